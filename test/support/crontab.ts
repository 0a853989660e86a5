import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A machine with a small `crontab` program of its own, so that no test touches the crontab of whoever runs it. */
export interface FakeCron {
  /** A folder for the configuration. */
  readonly folder: string;
  /** A PATH on which that program comes first. */
  readonly path: string;
  /** Undefined where the user has no crontab. */
  read(): Buffer | undefined;
  write(content: string | Uint8Array): void;
}

/** As Debian's: `-l` writes a carriage return as a backslash and an r, and ends with 1 where there is nothing. */
const PROGRAM = String.raw`
case "$1" in
  -l) [ -f "$file" ] || { echo "no crontab for tester" >&2; exit 1; }
      LC_ALL=C sed "s/$(printf '\r')/\\\\r/g" "$file" ;;
  -r) rm "$file" ;;
  -e) $VISUAL "$file" ;;
  -) cat >"$file.new" && if grep -q REFUSE "$file.new"; then echo "errors in crontab file" >&2; exit 1; fi
     if grep -q MANGLE "$file.new"; then echo "# something else" >>"$file.new"; fi
     mv "$file.new" "$file" ;;
  *) exit 1 ;;
esac
`;

/** Makes such a machine; it goes with the test. */
export function fakeCron(): FakeCron {
  const folder = mkdtempSync(join(tmpdir(), 'maint-cron-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const programs = join(folder, 'bin');
  const file = join(folder, 'the-crontab');
  mkdirSync(programs);
  writeFileSync(join(programs, 'crontab'), `#!/bin/sh\nfile='${file}'\n${PROGRAM}`);
  chmodSync(join(programs, 'crontab'), 0o755);
  return {
    folder,
    path: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
    read: () => {
      try {
        return readFileSync(file);
      } catch {
        return undefined;
      }
    },
    write: (content) => writeFileSync(file, content),
  };
}
