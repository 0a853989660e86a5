/** What a rule of lint is about. */
interface LintRule {
  /** What happens where nobody mends it. */
  readonly why: string;
  readonly fix: string;
}

/** Every rule. E: it does not do what is written. W: it does, and that is probably not what was meant. */
export const LINT_RULES = {
  E101: {
    why: 'cron ends the command at the first % and gives the rest to it as input',
    fix: String.raw`Write \% for each %, or put the command into a script.`,
  },
  E102: {
    why: 'cron starts with a PATH of /usr/bin:/bin and reads no profile, so the job fails each time',
    fix: 'Write the absolute path of the program, or a PATH= line above.',
  },
  E103: {
    why: 'cron leaves out a last line without an end, and crontab refuses the file',
    fix: 'End the last line with a line break.',
  },
  E104: {
    why: 'cron starts in the home directory of the user, not where the line was written',
    fix: 'Write the absolute path, or begin the command with cd /some/where &&.',
  },
  E105: {
    why: 'cron does not understand the line; crontab refuses the file, or the job never runs',
    fix: 'Write minute, hour, day, month and weekday, such as 17 3 * * *, and then the command.',
  },
  E106: {
    why: 'the files of /etc/cron.d and /etc/crontab name a user before the command, the crontab of a user does not',
    fix: 'Add or take away the user between the weekday and the command.',
  },
  E107: {
    why: 'cron passes over files of cron.d with such a name, owner or mode, and says nothing',
    fix: 'Name it with letters, digits, _ and - alone; chown root and chmod 0644.',
  },
  E108: {
    why: 'the shell parts words at spaces, so the program is not found',
    fix: 'Put the path into quotes.',
  },
  W201: {
    why: 'cron starts the job when either fits, the day of the month or the weekday',
    fix: 'Restrict one of the two, and test the other in the command.',
  },
  W202: {
    why: 'where the clocks jump, that hour is left out in spring and comes twice in autumn',
    fix: 'Move the job to another hour, or let the machine run in UTC.',
  },
  W203: {
    why: 'the step starts again at each beginning, so the last interval is shorter than the others',
    fix: 'Take a step that divides the range, or write the values out.',
  },
  W204: {
    why: 'what the job says when it fails is thrown away, and nobody hears of it',
    fix: 'Send the output to a file or to logger, or set MAILTO= on a machine that can send mail.',
  },
  W205: {
    why: "Debian's cron does not know CRON_TZ and starts the jobs by the time of the machine",
    fix: 'Write the times in the time zone of the machine, or use systemd timers.',
  },
  W206: {
    why: 'when one run takes longer than a minute the next starts beside it, and they pile up',
    fix: 'Begin the command with flock -n /some/file, so that a second one gives up.',
  },
  W207: {
    why: 'a ping that fails, hangs or meets an error page looks like one that arrived',
    fix: 'Write curl -fsS -m 10 --retry 5 -o /dev/null and the address.',
  },
  W208: {
    why: 'every user of the machine can read the command line, and cron mails and logs it',
    fix: 'Put the secret into a file of mode 0600 that the program reads.',
  },
  W209: {
    why: 'both want the same disk and the same database at the same time',
    fix: 'Move one of them by an hour.',
  },
  W210: {
    why: 'the job fails and nobody hears of it',
    fix: 'Leave it out; send the output to a file or to logger, and let the job fail.',
  },
  W211: {
    why: 'the longer round builds on the daily one, and works with what is a day old',
    fix: 'Start it after the daily one.',
  },
} as const satisfies Readonly<Record<string, LintRule>>;

export type LintCode = keyof typeof LINT_RULES;

/** Something that lint found. */
export interface Finding {
  readonly code: LintCode;
  /** Counted from 1. */
  readonly line: number;
  /** What is wrong in this line; no secret. */
  readonly message: string;
}

/** What a finding does to the exit code. */
export function severityOf(code: LintCode): 'error' | 'warning' {
  return code.startsWith('E') ? 'error' : 'warning';
}
