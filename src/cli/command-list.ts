/** What the list of commands says of one of them. */
export interface CommandEntry {
  /** As a person types it: `run <task...>`. */
  readonly name: string;
  /** An older name, which still works and is shown nowhere. */
  readonly alias?: string;
  readonly group: 'Rounds:' | 'Tasks:' | 'Backups:' | 'Looking:' | 'Set-up:';
  readonly summary: string;
}

/** Every command but the tasks, in the order of the help. */
export const COMMANDS = {
  daily: { name: 'daily', group: 'Rounds:', summary: 'Run the daily tasks' },
  weekly: { name: 'weekly', group: 'Rounds:', summary: 'Run the weekly tasks' },
  monthly: { name: 'monthly', group: 'Rounds:', summary: 'Run the monthly tasks' },
  quarterly: { name: 'quarterly', group: 'Rounds:', summary: 'Run the quarterly tasks' },
  run: { name: 'run <task...>', group: 'Rounds:', summary: 'Run the named tasks, whatever their tier' },
  tick: {
    name: 'tick',
    group: 'Rounds:',
    summary: 'Look, deliver what waits, run what is due or was missed',
  },
  exec: {
    name: 'exec <command...>',
    group: 'Rounds:',
    summary: 'Run a command of yours with lock, ledger, ping and alert',
  },
  restore: {
    name: 'restore [backup]',
    group: 'Backups:',
    summary: 'Restore a backup into a new database, never onto a live one',
  },
  backups: {
    name: 'backups',
    group: 'Backups:',
    summary: 'List, judge, pin and expire backups, and test their alarms',
  },
  status: { name: 'status', group: 'Looking:', summary: 'What ran when, what is overdue, what comes next' },
  history: { name: 'history', group: 'Looking:', summary: 'The runs so far, newest first' },
  alerts: {
    name: 'alerts',
    alias: 'alert',
    group: 'Looking:',
    summary: 'What is wrong now, who was told, and what became of it',
  },
  silence: { name: 'silence', group: 'Looking:', summary: 'Send no alarm of something for a while, with a reason' },
  doctor: { name: 'doctor', group: 'Looking:', summary: 'Every problem of the set-up at once, each with its fix' },
  runbook: { name: 'runbook <check>', group: 'Looking:', summary: 'What a check of health means, and what to do' },
  init: { name: 'init', group: 'Set-up:', summary: 'Look at database and machine, and write a first configuration' },
  config: { name: 'config', group: 'Set-up:', summary: 'Check, print or describe the configuration' },
  cron: { name: 'cron', group: 'Set-up:', summary: 'Schedule the rounds, and look for mistakes in crontabs' },
  completion: {
    name: 'completion <shell>',
    group: 'Set-up:',
    summary: 'Print the completion script of bash, zsh or fish',
  },
  help: { name: 'help [command...]', group: 'Set-up:', summary: 'Print the help of a command' },
} as const satisfies Readonly<Record<string, CommandEntry>>;

/** The flags that every command takes. */
export const COMMON_FLAGS: readonly (readonly [flags: string, summary: string])[] = [
  ['--config <file>', 'the configuration file'],
  ['--state <dir>', 'the directory of journal and log'],
  ['-v, --verbose', 'show the whole log on stderr'],
  ['--no-color', 'no colours (also with NO_COLOR set)'],
];

/** The flags that answer by themselves. */
export const VERSION_FLAG = ['-V, --version', 'print the version'] as const;
export const HELP_FLAG = ['-h, --help', 'print this help'] as const;
