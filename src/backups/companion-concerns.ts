import { formatCount, plural } from '../base/units.ts';
import { fail, type Outcome } from '../engine/outcome.ts';
import type { FileSetReport } from './manifest-fields.ts';
import type { Manifest } from './manifest.ts';

/** Something about what lies beside a good dump that a person should know. */
interface CompanionConcern {
  readonly detail: string;
  readonly summary: string;
  readonly remediation: string;
}

const SHOWN = 3;

/**
 * A folder of the application that should be in the backup and is not. The dump is kept all the same; the step fails, so
 * that nothing older is removed meanwhile.
 * @returns undefined where there is none
 */
export function missingFileSets({ fileSets = [] }: Manifest, extras: Pick<Outcome, 'facts'>): Outcome | undefined {
  const missing = fileSets.filter(({ fault }) => fault !== null);
  if (missing.length === 0) return undefined;
  const told = missing.map(({ name, fault }) => `the files of ${name} are not in the backup: ${fault ?? ''}`);
  return fail(
    `${told.join('; ')}; the dump is kept`,
    [
      ...missing.map(({ name, directory }) => `ls ${directory}   # is the disk of ${name} mounted, may maint read it?`),
      'maint backup',
    ],
    { ...extras, detail: 'files.unusable' },
  );
}

/** What else is not as it should be with roles and files. */
export function companionConcerns({ globals, fileSets = [] }: Manifest): readonly CompanionConcern[] {
  const withoutRoles = globals?.fault ?? undefined;
  return [
    ...(withoutRoles === undefined
      ? []
      : [
          {
            detail: 'backup.globals_failed',
            summary: `the roles of the server are not in it: ${withoutRoles}`,
            remediation:
              'Mend what the message says, or write `globals: false` under tasks.backup and keep the roles elsewhere.',
          },
        ]),
    ...fileSets.flatMap((set) => [...lost(set), ...unasked(set), ...unreadable(set)]),
  ];
}

function lost({ name, references }: FileSetReport): readonly CompanionConcern[] {
  if (references === null || references.missing + references.otherSize === 0) return [];
  const { missing, otherSize, files, examples } = references;
  const parts = [
    ...(missing > 0 ? [`${formatCount(missing)} missing`] : []),
    ...(otherSize > 0 ? [`${formatCount(otherSize)} of another size`] : []),
  ];
  const some = examples.slice(0, SHOWN).join(', ');
  return [
    {
      detail: missing > 0 ? 'files.missing' : 'files.size_differs',
      summary: `of ${plural(files, 'file')} of ${name} that rows point to, ${parts.join(' and ')}: ${some}`,
      remediation: `Look for the files of ${name} in an older backup: its list names each of them.`,
    },
  ];
}

function unasked({ name, references }: FileSetReport): readonly CompanionConcern[] {
  if (references === null || references.fault === null) return [];
  return [
    {
      detail: 'files.references_failed',
      summary: `the files of ${name} could not be held against the rows: ${references.fault}`,
      remediation: `Check the query under backups.files, references of ${name}.`,
    },
  ];
}

function unreadable({ name, unreadable, examples }: FileSetReport): readonly CompanionConcern[] {
  if (unreadable === 0) return [];
  const some = examples.filter(({ what }) => what === 'unreadable').map(({ path }) => path);
  return [
    {
      detail: 'files.unreadable',
      summary: `${plural(unreadable, 'entry', 'entries')} of ${name} could not be read: ${some.slice(0, SHOWN).join(', ')}`,
      remediation: `Let the user that runs maint read everything below the directory of ${name}.`,
    },
  ];
}

/** The same for programs. */
export function companionFacts({ globals, fileSets = [] }: Manifest): NonNullable<Outcome['facts']> {
  return { ...(globals && { globals }), ...(fileSets.length > 0 && { fileSets }) };
}
