import { formatCount, formatDuration, plural } from '../base/units.ts';
import type { Judged, PlaceState, State, ThreeTwoOne } from './judgement.ts';
import { isToCome, LOCAL } from './layout.ts';
import type { Standing } from './standing.ts';

/** Something that a person must hear of when the backups are judged. */
export interface StatusFinding {
  readonly severity: 'fail' | 'warn';
  /** Dotted name for programs: `rule.max_age`. */
  readonly detail: string;
  /** One line without a full stop. */
  readonly message: string;
  readonly remediation: readonly string[];
}

/** What is wrong with the backups, the worst first: bad ones always, and whatever breaks a rule that somebody set. */
export function findingsOf(judged: Judged, state: State): readonly StatusFinding[] {
  return [
    ...missing(judged, state),
    ...state.standings.flatMap((standing) => faultsOf(standing)),
    ...state.standings.flatMap((standing) => toCome(standing, judged)),
    ...elsewhere(judged, state),
    ...brokenChain(judged),
    ...ages(judged, state),
    ...counts(judged, state),
    ...state.standings.flatMap((standing) => suspicionOf(standing)),
  ].toSorted((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
}

function finding(detail: string, message: string, remediation: readonly string[]): StatusFinding {
  return { severity: 'fail', detail, message, remediation };
}

function missing({ viewed }: Judged, { newest, standings }: State): readonly StatusFinding[] {
  if (newest !== undefined) return [];
  const what = standings.length === 0 ? 'there is no backup' : 'there is no verified backup';
  return [finding('backup.none', `${what} in ${viewed}`, ['maint backup', 'maint history'])];
}

function faultsOf({ entry, failure }: Standing): readonly StatusFinding[] {
  const { id, location, store, manifest } = entry;
  if (failure !== undefined) {
    const { copy, at, findings } = failure;
    const when = at.toISOString().slice(0, 10);
    return [
      finding('backup.bad', `${id} in ${copy} was found bad on ${when}: ${findings[0] ?? 'it did not pass'}`, [
        `maint verify-backup --all --copy ${copy}`,
        `Once it is understood what changed it, remove ${location} by hand; expiry never does.`,
      ]),
    ];
  }
  if (entry.isVerified) return [];
  // A copy without a manifest is on its way there, or was broken off: that is no backup, and nobody takes it for one.
  const isHalfCopied = store.name !== LOCAL && manifest === undefined;
  const why = manifest === undefined ? 'its manifest is missing or cannot be read' : 'its files are not as it says';
  return [
    {
      severity: isHalfCopied ? 'warn' : 'fail',
      detail: 'backup.incomplete',
      message: `${id} in ${store.name} is not whole: ${why}`,
      remediation: [`maint verify-backup --all --copy ${store.name}`, `Look at ${location}.`],
    },
  ];
}

/** It counts for nothing until that date has come, and then it hides that none was taken since. */
function toCome({ entry: { id, startedAt } }: Standing, { now }: Judged): readonly StatusFinding[] {
  if (!isToCome(startedAt, now)) return [];
  return [
    finding('backup.future_timestamp', `${id} is dated ${startedAt.toISOString()}, in the future`, [
      'Set the clock of this host right, if it is behind; else that of the host that took the backup.',
      'maint backup',
    ]),
  ];
}

/** What receipts say of the places that are not looked at now. */
function elsewhere({ viewed }: Judged, { places, standings }: State): readonly StatusFinding[] {
  const bad = standings.flatMap(({ entry, failure, failedIn }) =>
    failedIn
      .filter((each) => each.copy !== viewed && each !== failure)
      .map(({ copy, at, findings }) =>
        finding(
          'copy.bad',
          `the copy of ${entry.id} in ${copy} was found bad on ${at.toISOString().slice(0, 10)}: ${findings[0] ?? 'it did not pass'}`,
          [`maint verify-backup --all --copy ${copy}`, 'maint backup'],
        ),
      ),
  );
  const unrestored = places.flatMap(({ name, tried }) =>
    tried?.verdict === 'fail'
      ? [
          finding('restore-test.failed', `the last restore from ${name} failed: ${tried.summary ?? tried.backup}`, [
            'maint restore-test',
            'maint runbook restore',
          ]),
        ]
      : [],
  );
  return [...bad, ...unrestored];
}

function brokenChain({ chain }: Judged): readonly StatusFinding[] {
  if (chain.fault === undefined) return [];
  return [finding('receipts.broken', `the receipts are not whole: ${chain.fault}`, chain.remedy)];
}

/** On a host that only sees a copy, only that copy is its business. */
function ages({ viewed, rules, now }: Judged, { newest, rpoMs, places }: State): readonly StatusFinding[] {
  const { maxAge, maxVerifyAge, maxRestoreTestAge } = rules;
  const isStale = maxAge !== undefined && rpoMs !== undefined && rpoMs > maxAge;
  return [
    ...(isStale
      ? [
          finding(
            'backup.stale',
            `the newest verified backup ${newest?.entry.id ?? ''} is ${formatDuration(rpoMs)} old, at most ${formatDuration(maxAge)} is allowed`,
            ['maint history', 'maint backup'],
          ),
        ]
      : []),
    ...places
      .filter(({ name }) => viewed === LOCAL || name === viewed)
      .flatMap((place) => [
        ...tooLongAgo(place, { what: 'verified', at: place.verifiedAt.checksum, limitMs: maxVerifyAge, now }),
        ...tooLongAgo(place, { what: 'restored', at: place.restored?.at, limitMs: maxRestoreTestAge, now }),
      ]),
  ];
}

interface Elapsed {
  readonly what: 'verified' | 'restored';
  readonly at: Date | undefined;
  readonly limitMs: number | undefined;
  readonly now: Date;
}

function tooLongAgo({ name }: PlaceState, { what, at, limitMs, now }: Elapsed): readonly StatusFinding[] {
  if (limitMs === undefined || (at !== undefined && now.getTime() - at.getTime() <= limitMs)) return [];
  const allowed = `at most ${formatDuration(limitMs)} is allowed`;
  const since =
    at === undefined
      ? `no backup in ${name} has ever been ${what}`
      : `no backup in ${name} has been ${what} for ${formatDuration(now.getTime() - at.getTime())}`;
  return what === 'verified'
    ? [finding('verify.stale', `${since}, ${allowed}`, [`maint verify-backup --copy ${name}`])]
    : [finding('restore-test.stale', `${since}, ${allowed}`, [`maint restore-test --copy ${name}`])];
}

const COUNTED: readonly (readonly [rule: keyof ThreeTwoOne, noun: string, nouns: string])[] = [
  ['copies', 'copy', 'copies'],
  ['media', 'kind of media', 'kinds of media'],
  ['offsite', 'copy offsite', 'copies offsite'],
  ['immutable', 'copy that nobody can delete', 'copies that nobody can delete'],
];

function counts({ rules }: Judged, { newest, places, threeTwoOne }: State): readonly StatusFinding[] {
  if (newest === undefined) return [];
  const lacking = places.filter(({ holdsNewest }) => !holdsNewest).map(({ name }) => name);
  const where = lacking.length === 0 ? '' : `; nobody has read it back from ${lacking.join(', ')}`;
  return COUNTED.flatMap(([rule, noun, nouns]) => {
    const wanted = rules[rule];
    const found = threeTwoOne[rule];
    if (wanted === undefined || found >= wanted) return [];
    return [
      finding(
        `rule.${rule}`,
        `${newest.entry.id} has ${plural(found, noun, nouns)}, ${formatCount(wanted)} are wanted${where}`,
        [
          ...lacking.map((name) => `maint verify-backup --latest --copy ${name}`),
          ...(lacking.length === 0 ? ['Add a place under backups.copies.'] : []),
        ],
      ),
    ];
  });
}

function suspicionOf({ entry, suspicions }: Standing): readonly StatusFinding[] {
  const [first] = suspicions;
  if (first === undefined) return [];
  const more = suspicions.length > 1 ? ` (and ${plural(suspicions.length - 1, 'more oddity', 'more oddities')})` : '';
  return [
    {
      severity: 'warn',
      detail: 'backup.suspicious',
      message: `${entry.id} is suspicious: ${first.message}${more}; nothing expires until that is acknowledged`,
      remediation: [`maint backups show ${entry.id}`, `maint backups ack ${entry.id} --reason 'what happened'`],
    },
  ];
}
