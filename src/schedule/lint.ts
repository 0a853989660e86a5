import { parseCrontab, type CrontabKind } from './crontab.ts';
import type { Finding } from './findings.ts';
import { lintCommand } from './lint-commands.ts';
import { jumpsAfter, lintPair, lintTimes } from './lint-times.ts';
import type { CronMachine } from './machine.ts';

/** A crontab, and what is known of it. */
export interface LintRequest {
  readonly text: string;
  readonly kind: CrontabKind;
  /** The file of /etc/cron.d that it is; undefined for everything else. */
  readonly dropIn?: DropIn;
  readonly machine: CronMachine;
  readonly now: Date;
}

/** A file that cron reads because of where it lies. */
export interface DropIn {
  /** Without the directory. */
  readonly name: string;
  /** Of a file that is where cron reads it; undefined for one that is yet to be put there. */
  readonly access?: { readonly uid: number; readonly mode: number };
}

/** Names everything in a crontab that will not do what was meant, in the order of the lines. */
export function lintCrontab({ text, kind, dropIn, machine, now }: LintRequest): readonly Finding[] {
  const { jobs, variables } = parseCrontab(text, kind);
  const jumps = jumpsAfter(now);
  const found: Finding[] = [
    ...lintFile(text, dropIn),
    ...variables.flatMap(({ line, name }): readonly Finding[] =>
      name === 'CRON_TZ' && !machine.honoursCronTimezone
        ? [{ code: 'W205', line, message: 'CRON_TZ is set, and this cron does not know it' }]
        : [],
    ),
    ...jobs.flatMap((job) => [...lintCommand(job, { kind, machine }), ...lintTimes(job, machine, jumps)]),
    ...jobs.flatMap((job, index) => jobs.slice(0, index).flatMap((earlier) => lintPair(earlier, job))),
    ...jobs.flatMap((job, index) => jobs.slice(index + 1).flatMap((later) => lintPair(later, job, 'order'))),
  ];
  const single = new Map(found.map((finding) => [`${finding.line} ${finding.code}`, finding]));
  return [...single.values()].toSorted((a, b) => a.line - b.line || a.code.localeCompare(b.code));
}

function lintFile(text: string, dropIn: DropIn | undefined): readonly Finding[] {
  const found: Finding[] = [];
  const lines = text.split('\n');
  if (text !== '' && !text.endsWith('\n'))
    found.push({ code: 'E103', line: lines.length, message: 'the last line has no end' });
  if (dropIn === undefined) return found;
  const { name, access } = dropIn;
  if (!/^[\w-]+$/.test(name)) found.push({ code: 'E107', line: 1, message: `cron does not read a file named ${name}` });
  else if (access !== undefined && access.uid !== 0)
    found.push({ code: 'E107', line: 1, message: `${name} belongs to user ${access.uid}, not to root` });
  else if (access !== undefined && (access.mode & 0o022) !== 0)
    found.push({ code: 'E107', line: 1, message: `${name} can be written by others than root` });
  return found;
}
