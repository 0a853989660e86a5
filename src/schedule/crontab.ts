import { parseExpression, type CronExpression } from './fields.ts';

/** A line of a crontab that starts something. */
export interface CronJob {
  /** Counted from 1. */
  readonly line: number;
  /** Undefined for `@reboot`, and where cron does not understand the schedule. */
  readonly expression: CronExpression | undefined;
  /** Why cron does not understand the schedule. */
  readonly fault: string | undefined;
  /** The user field of a system crontab; empty in the crontab of a user. */
  readonly user: string;
  readonly command: string;
  /** The variables that earlier lines have set. */
  readonly variables: ReadonlyMap<string, string>;
}

/** A line that sets a variable for the lines below it. */
interface CronVariable {
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

/** A crontab taken apart. */
export interface Crontab {
  readonly jobs: readonly CronJob[];
  readonly variables: readonly CronVariable[];
}

/** `user`: what `crontab -e` edits. `system`: /etc/crontab and the files of /etc/cron.d, which name a user in each line. */
export type CrontabKind = 'user' | 'system';

/** Takes a crontab apart as cron does. Lines that cron does not understand are jobs with a fault. */
export function parseCrontab(text: string, kind: CrontabKind): Crontab {
  const jobs: CronJob[] = [];
  const variables: CronVariable[] = [];
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const content = written.trimStart();
    if (content.trim() === '' || content.startsWith('#')) continue;
    const variable = parseVariable(content);
    if (variable !== undefined) variables.push({ line, ...variable });
    else {
      const inForce = new Map(variables.map(({ name, value }) => [name, value]));
      jobs.push({ line, variables: inForce, ...parseJob(content, kind) });
    }
  }
  return { jobs, variables };
}

function parseVariable(content: string): Pick<CronVariable, 'name' | 'value'> | undefined {
  const [, quoted, plain, value] = /^(?:(["'].*?["'])|([^\s=]+))\s*=\s*(.*?)\s*$/.exec(content) ?? [];
  if (value === undefined) return undefined;
  return { name: unquoted(quoted ?? plain ?? ''), value: unquoted(value) };
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

function parseJob(content: string, kind: CrontabKind): Omit<CronJob, 'line' | 'variables'> {
  const isNickname = content.startsWith('@');
  const schedule = isNickname ? /^\S+\s*/ : /^(?:\S+\s+){5}|^.*$/;
  const when = schedule.exec(content)?.[0] ?? '';
  const rest = content.slice(when.length);
  const user = kind === 'system' ? (/^\S+/.exec(rest)?.[0] ?? '') : '';
  const command = rest.slice(user.length).trimStart();
  if (when.trim().toLowerCase() === '@reboot') return { expression: undefined, fault: undefined, user, command };
  const parsed = parseExpression(when);
  if ('fault' in parsed) return { expression: undefined, fault: parsed.fault, user, command };
  const fault = rest.trim() === '' ? 'no command follows' : undefined;
  return { expression: parsed.expression, fault, user, command };
}
