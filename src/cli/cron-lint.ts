import { basename, dirname, resolve } from 'node:path';
import { fileAccess, hasMailer, isProgram, machineTimezone, realPath, userNames } from '../adapters/cron-machine.ts';
import { honoursCronTimezone, userCrontab } from '../adapters/crontab.ts';
import { readIfThere } from '../adapters/files.ts';
import { MaintError } from '../base/errors.ts';
import { printable, redacted } from '../base/printable.ts';
import { plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { CrontabKind } from '../schedule/crontab.ts';
import { LINT_RULES, severityOf, type Finding } from '../schedule/findings.ts';
import { lintCrontab, type DropIn } from '../schedule/lint.ts';
import type { CronMachine } from '../schedule/machine.ts';
import { requireTimezone } from './cron-times.ts';
import type { Invocation } from './invocation.ts';
import { hanging } from './layout.ts';
import { LOOKS, paintFor, type Paint } from './style.ts';

type LintInvocation = Extract<Invocation, { readonly kind: 'cron-lint' }>;

/** A crontab that was asked about. */
interface Subject {
  /** A path, `stdin`, or `crontab -l`. */
  readonly name: string;
  readonly text: string;
  readonly kind: CrontabKind;
  readonly dropIn?: DropIn;
}

/**
 * `maint cron lint`: everything in a crontab that will not do what was meant. Reads only.
 * @returns 1 where there is an error, 0 where there are warnings only
 * @throws MaintError USAGE for a file that is not there, PROGRAM_MISSING without `crontab`
 */
export async function cronLintCommand(invocation: LintInvocation, world: World): Promise<number> {
  const { stdout, env } = world;
  const { name, ...subject } = await subjectOf(invocation.file, world);
  const machine = await machineOf(invocation, world);
  const findings = lintCrontab({ ...subject, machine, now: world.now() });
  const isWrong = findings.some(({ code }) => severityOf(code) === 'error');
  if (invocation.format === 'json') {
    const told = findings.map((each) => ({ ...each, severity: severityOf(each.code), ...LINT_RULES[each.code] }));
    stdout.write(`${JSON.stringify({ format: 1, crontab: name, ok: !isWrong, findings: told })}\n`);
  } else {
    const page = { columns: stdout.columns, paint: paintFor(invocation.common.color, env, stdout) };
    stdout.write(findings.flatMap((finding) => findingLines(name, finding, page)).join(''));
    stdout.write(closing(name, findings));
  }
  return isWrong ? 1 : 0;
}

async function subjectOf(file: string | undefined, world: World): Promise<Subject> {
  if (file === '-') return { name: 'stdin', text: await world.readStdin(), kind: 'user' };
  if (file === undefined) {
    const content = await (await userCrontab(world.env['PATH'])).read();
    return { name: 'crontab -l', text: content?.toString() ?? '', kind: 'user' };
  }
  const path = resolve(world.cwd, file);
  const text = await readIfThere(path);
  if (text === undefined)
    throw new MaintError('USAGE', `there is no file ${path}`, { hint: 'Name a crontab, or - for stdin.' });
  if (basename(dirname(path)) !== 'cron.d')
    return { name: path, text, kind: path === '/etc/crontab' ? 'system' : 'user' };
  // Elsewhere it is a draft, which need not belong to root yet.
  const isInPlace = realPath(dirname(path)) === '/etc/cron.d';
  const dropIn = { name: basename(path), ...(isInPlace && { access: await fileAccess(path) }) };
  return { name: path, text, kind: 'system', dropIn };
}

async function machineOf({ timezone }: LintInvocation, world: World): Promise<CronMachine> {
  const users = userNames();
  return {
    timezone: timezone === undefined ? machineTimezone() : requireTimezone(timezone),
    hasMailer: hasMailer(),
    honoursCronTimezone: await honoursCronTimezone(world.env['PATH']),
    isUser: (name) => users.has(name),
    isProgram,
  };
}

interface Page {
  readonly columns: number;
  readonly paint: Paint;
}

function findingLines(name: string, { code, line, message }: Finding, { columns, paint }: Page): readonly string[] {
  const { mark, color } = LOOKS[severityOf(code) === 'error' ? 'fail' : 'warn'];
  const { why, fix } = LINT_RULES[code];
  const lines = [
    `${paint(color, mark)} ${name}:${line}  ${code}  ${printable(redacted(message))}`,
    ...hanging('    ', why, columns),
    ...hanging('    → ', fix, columns),
  ];
  return lines.map((each) => `${each}\n`);
}

function closing(name: string, findings: readonly Finding[]): string {
  const errors = findings.filter(({ code }) => severityOf(code) === 'error').length;
  if (findings.length === 0) return `${name}: good\n`;
  return `${name}: ${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}\n`;
}
