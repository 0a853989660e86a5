import { pathWord, pathWords, valueFlags, type Candidate, type CompletedFlag, type Place } from './complete-places.ts';

/** The script for zsh: to be called `_maint` in a directory of fpath, or sourced. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef maint
# zsh completion of maint. Load it with: source <(maint completion zsh)
_maint() {
  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" at="" flag="" word="" files=""
  local -a candidates flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) flag="$word" ;; esac
    case "$at/$word" in
      (${pathWords(places).join('|')}) at="$at/$word" ;;
    esac
  done
  if [[ "$current" != -* ]]; then
    case "$flag" in
${lists(places)}
    esac
    case "$previous" in
${values(places)}
    esac
  fi
  case "$at" in
${places.map(placeCase).join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    _describe -o 'flag' flags
  else
    [[ -n "$files" ]] && _files
    _describe 'word' candidates
  fi
}
if [[ "\${funcstack[1]}" == _maint ]]; then _maint "$@"; else compdef _maint maint; fi
`;
}

function lists(places: readonly Place[]): string {
  return valueFlags(places)
    .filter(({ value }) => value.kind === 'words')
    .map((flag) => `      (${flag.word}) ${reply(flag)}; return ;;`)
    .join('\n');
}

function values(places: readonly Place[]): string {
  return valueFlags(places)
    .filter(({ value }) => value.kind !== 'words')
    .map((flag) => `      (${flag.word}) ${reply(flag)}; return ;;`)
    .join('\n');
}

function reply({ value, summary }: CompletedFlag): string {
  if (value.kind === 'word' || value.kind === 'words') return `compadd -- ${value.words.join(' ')}`;
  if (value.kind === 'file') return '_files';
  return value.kind === 'directory' ? '_files -/' : `_message ${quoted(summary)}`;
}

function placeCase(place: Place): string {
  const { words, flags, takesFile } = place;
  return `    ("${pathWord(place)}") candidates=(${described(words)}); flags=(${described(flags)})${takesFile ? '; files=1' : ''} ;;`;
}

function described(candidates: readonly Candidate[]): string {
  return candidates.map(({ word, summary }) => quoted(`${word}:${summary}`)).join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
