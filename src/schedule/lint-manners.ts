import type { CronJob } from './crontab.ts';
import type { Finding, LintCode } from './findings.ts';
import type { CronMachine } from './machine.ts';
import type { SimpleCommand } from './shell.ts';

/** What a command does that lets failures pass unheard, or secrets be seen. */
export function lintManners(
  { line, command, variables }: CronJob,
  commands: readonly SimpleCommand[],
  { hasMailer }: CronMachine,
): readonly Finding[] {
  const found: Finding[] = [];
  const add = (code: LintCode, message: string | undefined): void => {
    if (message !== undefined) found.push({ code, line, message });
  };
  add('W204', unheard(command, commands, { mailTo: variables.get('MAILTO'), hasMailer }));
  for (const { words } of commands) add('W207', carelessPing(words));
  add('W208', openSecret(command));
  add('W210', hiddenFailure(command, commands));
  return found;
}

/** maint with --cron writes a log of its own, and tells its channels. */
const TELLS_BY_ITSELF = /\bmaint(\.js)?['"]?\s.*--cron\b/;

function unheard(
  command: string,
  commands: readonly SimpleCommand[],
  { mailTo, hasMailer }: { readonly mailTo: string | undefined; readonly hasMailer: boolean },
): string | undefined {
  const isSent = commands.some(({ redirections }) => redirections.some((each) => /^[1&]?>/.test(each)));
  if (isSent || /\|\s*[^|\s]/.test(command.replaceAll('||', '')) || TELLS_BY_ITSELF.test(command)) return undefined;
  if (mailTo === '') return 'MAILTO is empty, and the output goes nowhere else';
  return hasMailer ? undefined : 'the output goes nowhere, and this machine cannot send mail';
}

function carelessPing(words: readonly string[]): string | undefined {
  const [program = '', ...flags] = words;
  if (!/(^|\/)curl$/.test(program)) return undefined;
  const has = (short: string, long: RegExp): boolean =>
    flags.some((flag) => long.test(flag) || new RegExp(`^-[a-zA-Z#]*${short}`).test(flag));
  const missing = [
    ...(has('f', /^--fail/) ? [] : ['-f']),
    ...(has('m', /^--max-time/) ? [] : ['-m']),
    ...(flags.some((flag) => /^--retry(=|$)/.test(flag)) ? [] : ['--retry']),
  ];
  return missing.length === 0 ? undefined : `curl is called without ${missing.join(', ')}`;
}

/** Values that begin with a dollar sign or a backquote come from elsewhere. */
const SECRETS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@$]*:[^\s@$`]+@/i, 'a password in an address'],
  [/(^|[\s;&|])\w*(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)\w*=(?!["']?[$`]|["']{2}|\s)\S+/i, 'a secret in a variable'],
  [/--?\w*(password|passwd|secret|token|api-?key)(=|\s+)(?!["']?[$`]|-)\S+/i, 'a secret in a flag'],
  [/\b(mysql|mysqldump|mariadb|mariadb-dump)\b.*\s-p(?!["']?[$`])[^\s-]\S*/, 'a password after -p'],
  [/\bcurl\b.*\s(-u|--user)[\s=]+["']?[^\s:$]+:(?![$`])[^\s"'$]/, 'a password after -u'],
  [/\b(bearer|basic)\s+(?![$`"'])[\w.~+/=-]{8,}/i, 'a secret in a header'],
];

function openSecret(command: string): string | undefined {
  return SECRETS.find(([pattern]) => pattern.test(command))?.[1];
}

function hiddenFailure(command: string, commands: readonly SimpleCommand[]): string | undefined {
  if (/\|\|\s*(true|:|\/(usr\/)?bin\/true|exit\s+0)(\s|;|$)/.test(command))
    return 'what follows || hides that it failed';
  const isHidden = commands.some(({ redirections }) => {
    const joined = redirections.join(' ');
    return /(^|\s)(2>>?|&>>?)\/dev\/null/.test(joined) || /(^|\s)1?>>?\/dev\/null 2>&1/.test(joined);
  });
  return isHidden ? 'its errors go to /dev/null' : undefined;
}
