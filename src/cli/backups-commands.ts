import type { Command } from 'commander';
import type { BackupsPlace, WordInvocation } from './backups-invocation.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import type { Example } from './help.ts';
import { valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

const BELOW = 'Commands:';

/** `maint backups list | show | status | prune | pin | unpin | ack | selftest`. */
export function fillBackups(backups: Command, building: Building): void {
  addExample(backups, building, ['maint backups status', 'how good are they, by what was proven?']);
  addLooks(backups, building);
  addPrune(backups, building);
  for (const word of WORDS) addWord(backups, building, word);
  addSelftest(backups, building);
}

interface PlaceFlags {
  readonly directory?: string;
  readonly copy?: string;
}

function readPlace(command: Command): BackupsPlace {
  const { directory, copy } = command.opts<PlaceFlags>();
  return { directory, copy, format: readFormat(command), common: readCommon(command) };
}

/** The flags of every command here, and with `copy` that of those that can look elsewhere. */
function addPlace(command: Command, copy?: string): void {
  if (copy !== undefined) command.addOption(valueOption('--copy <name>', copy));
  command
    .addOption(valueOption('--directory <dir>', 'where the backups of this host are'))
    .option('--json', 'print one JSON document');
}

function addLooks(backups: Command, building: Building): void {
  addCommand(backups, building, {
    name: 'list',
    group: BELOW,
    summary: 'Every backup with its age, size and rows, and when it was last verified',
    fill(command) {
      addPlace(command, 'list this copy instead');
      addExample(command, building, ['maint backups list --copy offsite', 'what lies there']);
      command.action(() => building.accept({ kind: 'backups-list', ...readPlace(command) }));
    },
  });
  addCommand(backups, building, {
    name: 'show <backup>',
    group: BELOW,
    summary: 'Everything that is known of one backup: an id, or latest',
    fill(command) {
      addPlace(command, 'show this copy of it');
      addExample(command, building, ['maint backups show latest', 'tables, oddities, receipts']);
      command.action((backup: string) => building.accept({ kind: 'backups-show', backup, ...readPlace(command) }));
    },
  });
  addCommand(backups, building, {
    name: 'status',
    group: BELOW,
    summary: 'Judge the backups by receipts: age, proofs, copies, and your rules',
    fill(command) {
      addPlace(command, 'judge from this copy, on a host that sees nothing else');
      addExample(command, building, ['maint backups status --json', 'for a monitoring system']);
      command.action(() => building.accept({ kind: 'backups-status', ...readPlace(command) }));
    },
  });
}

function addPrune(backups: Command, building: Building): void {
  addCommand(backups, building, {
    name: 'prune',
    group: BELOW,
    summary: 'Let old backups go, as every `maint backup` does at its end',
    fill(command) {
      command.option('--dry-run', 'say what becomes of each backup and why, remove nothing');
      addPlace(command, 'those of this copy');
      addExample(command, building, ['maint backups prune --dry-run', 'what would go, and why the others stay']);
      command.action(({ dryRun = false }: { readonly dryRun?: boolean }) =>
        building.accept({ kind: 'backups-prune', dryRun, ...readPlace(command) }),
      );
    },
  });
}

interface WordEntry {
  readonly kind: WordInvocation['kind'];
  readonly name: string;
  readonly summary: string;
  /** What the reason is for; undefined where none is asked for. */
  readonly reason: string | undefined;
  readonly example: Example;
}

const WORDS: readonly WordEntry[] = [
  {
    kind: 'backups-pin',
    name: 'pin <backup>',
    summary: 'Keep a backup whatever the rules of expiry say',
    reason: 'why it has to stay',
    example: ["maint backups pin latest --reason 'before the move'", 'stays until it is unpinned'],
  },
  {
    kind: 'backups-unpin',
    name: 'unpin <backup>',
    summary: 'Leave a pinned backup to the rules of expiry again',
    reason: undefined,
    example: ['maint backups unpin 20261122T031700Z-4f1c', 'ids are those of the list'],
  },
  {
    kind: 'backups-ack',
    name: 'ack <backup>',
    summary: 'Acknowledge that a suspicious backup is right; expiry goes on',
    reason: 'why it is right',
    example: ["maint backups ack latest --reason 'we archived 2024'", 'half of the rows are gone on purpose'],
  },
];

function addWord(backups: Command, building: Building, { kind, name, summary, reason, example }: WordEntry): void {
  addCommand(backups, building, {
    name,
    group: BELOW,
    summary,
    fill(command) {
      if (reason !== undefined) command.addOption(valueOption('--reason <text>', `${reason}; required`));
      addPlace(command);
      addExample(command, building, example);
      command.action((backup: string, flags: { readonly reason?: string }) => {
        if (reason !== undefined && flags.reason === undefined)
          throw usage(`maint backups ${command.name()} needs --reason`, `Write ${reason}: others will read it.`);
        const { copy: _, ...place } = readPlace(command);
        building.accept({ kind, backup, reason: flags.reason ?? '', ...place });
      });
    },
  });
}

function addSelftest(backups: Command, building: Building): void {
  addCommand(backups, building, {
    name: 'selftest',
    group: BELOW,
    summary: 'Damage copies of a small backup in every known way, and expect each alarm',
    fill(command) {
      command.option('--keep', 'keep the damaged copies, to look at them');
      addPlace(command);
      addExample(command, building, ['maint backups selftest', 'would maint notice?']);
      command.action(({ keep = false }: { readonly keep?: boolean }) => {
        const { copy: _, ...place } = readPlace(command);
        building.accept({ kind: 'backups-selftest', keep, ...place });
      });
    },
  });
}
