import { pathWord, pathWords, valueFlags, type CompletedFlag, type Place } from './complete-places.ts';

/** The script for bash 3.2 and newer, without bash-completion. */
export function bashScript(places: readonly Place[]): string {
  return `# bash completion of maint. Load it with: source <(maint completion bash)
_maint() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" flag="" word="" words="" flags="" files="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) flag="$word" ;; esac
    case "$at/$word" in
      ${pathWords(places).join(' | ')}) at="$at/$word" ;;
    esac
  done
  case "$flag" in
${lists(places)}
  esac
  case "$previous" in
${values(places)}
  esac
  case "$at" in
${places.map(placeCase).join('\n')}
  esac
  case "$current" in
    -*) words="$flags"; files="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" $files -- "$current"))
}
complete -F _maint maint
`;
}

/** A flag that takes several words goes on until the next flag. */
function lists(places: readonly Place[]): string {
  return valueFlags(places)
    .flatMap(({ word, value }) => (value.kind === 'words' ? [{ word, words: value.words }] : []))
    .map(
      ({ word, words }) =>
        `    ${word}) case "$current" in -*) ;; *) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current")); return ;; esac ;;`,
    )
    .join('\n');
}

function values(places: readonly Place[]): string {
  return valueFlags(places)
    .filter(({ value }) => value.kind !== 'words')
    .map((flag) => `    ${flag.word}) ${reply(flag)}return ;;`)
    .join('\n');
}

function reply({ value }: CompletedFlag): string {
  if (value.kind === 'word' || value.kind === 'words') return offer(`-W "${value.words.join(' ')}"`);
  return PATHS[value.kind];
}

function offer(what: string): string {
  return `COMPREPLY=($(compgen ${what} -- "$current")); `;
}

const PATHS = { nothing: '', anything: '', file: offer('-f'), directory: offer('-d') } as const;

function placeCase(place: Place): string {
  const { words, flags, takesFile } = place;
  const typed = flags.flatMap(({ word, short }) => (short === undefined ? [word] : [word, short]));
  return `    "${pathWord(place)}") words="${words.map(({ word }) => word).join(' ')}"; flags="${typed.join(' ')}"${takesFile ? '; files="-f"' : ''} ;;`;
}
