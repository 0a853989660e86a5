import { pathWord, pathWords, type CompletedFlag, type Place } from './complete-places.ts';

/** The script for fish 3. */
export function fishScript(places: readonly Place[]): string {
  return `# fish completion of maint. Load it with: maint completion fish | source
function __maint_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at/$word"
            case ${pathWords(places).join(' ')}
                set at "$at/$word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c maint -f
${places.flatMap(placeLines).join('\n')}
`;
}

function placeLines(place: Place): readonly string[] {
  const { words, flags, takesFile } = place;
  const start = `complete -c maint -n "__maint_at '${pathWord(place)}'"`;
  return [
    ...words.map(({ word, summary }) => `${start} -a ${word} -d ${quoted(summary)}`),
    ...(takesFile ? [`${start} -F`] : []),
    ...flags.map((flag) => `${start} ${flagWords(flag)} -d ${quoted(flag.summary)}`),
  ];
}

function flagWords({ word, short, value }: CompletedFlag): string {
  const names = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${word.slice(2)}`;
  if (value.kind === 'word' || value.kind === 'words') return `${names} -x -a ${quoted(value.words.join(' '))}`;
  return names + AFTER[value.kind];
}

/** What follows a flag: `-r` needs a value, `-x` a value that is no file. */
const AFTER = {
  nothing: '',
  file: ' -r -F',
  directory: " -x -a '(__fish_complete_directories)'",
  anything: ' -x',
} as const;

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
