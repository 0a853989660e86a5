import type { Command } from 'commander';
import { COMMANDS } from './command-list.ts';
import { addCommand, type Building } from './commands.ts';
import { examples, type Example } from './help.ts';
import type { Invocation } from './invocation.ts';
import type { RestoreFilesInvocation, RestoreInvocation, RestoreSweepInvocation } from './restore-invocation.ts';
import { addressOption, numberOption, valueOption, valuesOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

const JOBS = { minimum: 1, maximum: 64, isWhole: true };

interface RestoreFlags {
  readonly table?: readonly string[];
  readonly schema?: readonly string[];
  readonly copy?: string;
  readonly identity?: string;
  readonly to?: string;
  readonly toEnv?: string;
  readonly toDatabase?: string;
  readonly jobs?: number;
  readonly directory?: string;
  readonly createRoles?: boolean;
  readonly owner: boolean;
  readonly keep?: boolean;
  readonly swap?: boolean;
  readonly confirm?: string;
  readonly files?: string;
  readonly toDirectory?: string;
  readonly overwrite?: boolean;
  readonly sweep?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `maint restore [backup]`. */
export function addRestore(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.restore,
    fill(command) {
      addFlags(command);
      command.addHelpText('after', () => examples(EXAMPLES, building.columns).join('\n'));
      command.action((backup: string | undefined, flags: RestoreFlags) => {
        checkTogether(flags);
        building.accept(read(command, backup, flags));
      });
    },
  });
}

function read(command: Command, backup: string | undefined, { sweep, files }: RestoreFlags): Invocation {
  if (sweep === true) return readSweep(command, backup);
  return files === undefined ? readRestore(command, backup) : readFiles(command, backup, files);
}

const EXAMPLES: readonly Example[] = [
  ['maint restore', 'at a terminal: asks for everything, and begins after a yes'],
  ['maint restore latest --to-database app_check', 'the newest backup, beside the live one'],
  ['maint restore latest --table app.users', 'one table, into a database of its own'],
  ['maint restore latest --files uploads', 'files of the application'],
];

function readRestore(command: Command, backup: string | undefined): RestoreInvocation {
  const flags = command.opts<RestoreFlags>();
  const { table = [], schema = [], createRoles = false, keep = false, swap = false, dryRun = false } = flags;
  const { copy, identity, toDatabase, jobs, directory, owner, confirm } = flags;
  return {
    kind: 'restore',
    backup: backup ?? 'latest',
    isBare: backup === undefined && !isAnyGiven(command),
    tables: table,
    schemas: schema,
    copy,
    identity,
    target: readTarget(flags),
    toDatabase,
    jobs,
    directory,
    createRoles,
    owner,
    keep,
    swap,
    confirm,
    dryRun,
    format: readFormat(command),
    common: readCommon(command),
  };
}

/** What goes with `--files`. */
const OF_FILES: ReadonlySet<string> = new Set([
  '--files',
  '--to-directory',
  '--overwrite',
  '--copy',
  '--directory',
  '--identity',
  '--keep',
  '--dry-run',
  '--json',
]);

function readFiles(command: Command, backup: string | undefined, files: string): RestoreFilesInvocation {
  const other = namesGiven(command).find((name) => !OF_FILES.has(name));
  if (other !== undefined)
    throw usage(`--files does not go with ${other}`, 'Database and files are restored one after the other.');
  const {
    toDirectory,
    overwrite = false,
    copy,
    identity,
    directory,
    keep = false,
    dryRun = false,
  } = command.opts<RestoreFlags>();
  const place = { toDirectory, overwrite, copy, identity, directory };
  const manner = { keep, dryRun, format: readFormat(command), common: readCommon(command) };
  return { kind: 'restore-files', backup: backup ?? 'latest', files, ...place, ...manner };
}

function readSweep(command: Command, backup: string | undefined): RestoreSweepInvocation {
  const given = namesGiven(command).filter((name) => !SWEEPING.has(name));
  const [other = backup] = given;
  if (other !== undefined)
    throw usage(`--sweep does not go with ${other}`, 'It restores nothing: run it alone, or with --dry-run first.');
  const flags = command.opts<RestoreFlags>();
  return {
    kind: 'restore-sweep',
    target: readTarget(flags),
    dryRun: flags.dryRun ?? false,
    format: readFormat(command),
    common: readCommon(command),
  };
}

const SWEEPING: ReadonlySet<string> = new Set(['--sweep', '--to', '--to-env', '--dry-run', '--json']);

function readTarget({ to, toEnv }: RestoreFlags): RestoreInvocation['target'] {
  return { to, toEnv };
}

function isAnyGiven(command: Command): boolean {
  return namesGiven(command).length > 0;
}

/** The flags of this command that were typed. */
function namesGiven(command: Command): readonly string[] {
  return command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long, flags }) => long ?? flags);
}

/** @throws MaintError USAGE where flags need or exclude each other */
function checkTogether({
  swap = false,
  confirm,
  table = [],
  schema = [],
  to,
  toEnv,
  copy,
  directory,
  files,
  toDirectory,
  overwrite,
}: RestoreFlags): void {
  if (files === undefined && (toDirectory !== undefined || overwrite === true))
    throw usage(
      `${toDirectory === undefined ? '--overwrite' : '--to-directory'} needs --files`,
      'Write --files NAME, with the name of the file set; a database goes into --to-database.',
    );
  if (swap !== (confirm !== undefined))
    throw usage(
      '--swap and --confirm belong together',
      'Write --swap --confirm NAME, with the name of the live database.',
    );
  if (swap && table.length + schema.length > 0)
    throw usage(
      '--swap does not go with --table or --schema: some tables are no whole database',
      'Leave out --swap; how to bring the rows back into the live database is said at the end.',
    );
  if (to !== undefined && toEnv !== undefined)
    throw usage('--to and --to-env contradict each other', 'Keep one of the two.');
  if (copy !== undefined && directory !== undefined)
    throw usage('--copy and --directory contradict each other', 'Keep one of the two.');
}

function addFlags(command: Command): void {
  command
    .addOption(valuesOption('--table <name>', 'only this table and what it needs; may be repeated'))
    .addOption(valuesOption('--schema <name>', 'only this schema and what it needs; may be repeated'))
    .addOption(valueOption('--files <name>', 'the files of this set, instead of the database'))
    .addOption(valueOption('--to-directory <dir>', 'the folder that they go into; beside the old one where left out'))
    .option('--overwrite', 'replace files that lie there already; others stay')
    .addOption(valueOption('--copy <name>', 'read from this copy; from the backups of this host where left out'))
    .addOption(valueOption('--directory <dir>', 'where the backups are'))
    .addOption(valueOption('--identity <file>', 'the file of a private key that opens encrypted backups'))
    .addOption(valueOption('--to-database <name>', 'name of the new database'))
    .addOption(addressOption('--to <url>', 'restore onto this server; without a password, for which see PGPASSWORD'))
    .addOption(valueOption('--to-env <name>', 'as --to, from the environment variable that holds the URL'))
    .addOption(
      numberOption(
        '--jobs <n>',
        'tables loaded and indexes built at the same time; one per processor where left out',
        JOBS,
      ),
    )
    .option('--create-roles', 'make roles that are missing, without a login')
    .option('--no-owner', 'leave everything to the role that restores')
    .option('--keep', 'keep what was restored so far when it fails')
    .option('--swap', 'give it the name of the live database, which keeps its rows under another name')
    .addOption(valueOption('--confirm <name>', 'the name of the live database, for --swap'))
    .option('--sweep', 'drop the databases that killed restores left behind, and do nothing else')
    .option('--dry-run', 'look and say what would be done, change nothing')
    .option('--json', 'print one JSON document');
}
