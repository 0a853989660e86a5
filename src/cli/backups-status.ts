import { stateOf, type Judged, type PlaceState, type State } from '../backups/judgement.ts';
import { findingsOf, type StatusFinding } from '../backups/status-findings.ts';
import { printable, redacted } from '../base/printable.ts';
import { formatCount, formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { readHolding, type Holding } from './backups-holding.ts';
import type { StatusInvocation } from './backups-invocation.ts';
import { definitions, hanging } from './layout.ts';
import { LOOKS, paintFor, type Paint } from './style.ts';

/**
 * `maint backups status`: judges the backups by what was proven.
 * @returns 1 where a backup is bad or a rule is broken
 */
export async function backupsStatusCommand(invocation: StatusInvocation, world: World): Promise<number> {
  const holding = await readHolding(invocation, world);
  const { config, entries, chain, store } = holding;
  const { copies, recipients } = config.backups;
  const now = world.now();
  const judged = { viewed: store.name, entries, chain, copies, recipients, rules: config.backupRules, now };
  const state = stateOf(judged);
  const findings = findingsOf(judged, state);
  const { stdout, env } = world;
  const answer = { holding, judged, state, findings };
  if (invocation.format === 'json') stdout.write(`${JSON.stringify(documentOf(answer))}\n`);
  else {
    const page = { columns: Math.min(stdout.columns, 120), paint: paintFor(invocation.common.color, env, stdout), now };
    stdout.write(
      textOf(answer, page)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  return findings.some(({ severity }) => severity === 'fail') ? 1 : 0;
}

interface Answer {
  readonly holding: Holding;
  readonly judged: Judged;
  readonly state: State;
  readonly findings: readonly StatusFinding[];
}

function documentOf({ holding, judged, state, findings }: Answer): object {
  const { newest, rpoMs, places, keys, threeTwoOne, standings } = state;
  return {
    format: 1,
    project: holding.label,
    copy: judged.viewed,
    location: holding.where,
    ok: !findings.some(({ severity }) => severity === 'fail'),
    backups: standings.length,
    newest: newest?.entry.id ?? null,
    rpoSeconds: rpoMs === undefined ? null : Math.round(rpoMs / 1_000),
    places: places.map(({ tried, restored, ...place }) => ({
      ...place,
      immutableForMs: place.immutableForMs ?? null,
      restoreTested: tried === undefined ? null : { backup: tried.backup, at: tried.at, verdict: tried.verdict },
      restored:
        restored === undefined
          ? null
          : { backup: restored.backup, at: restored.at, rtoSeconds: restored.rtoSeconds ?? null },
    })),
    keys: keys.map(({ recipient, provenAt }) => ({ recipient, provenAt: provenAt ?? null })),
    threeTwoOne,
    receipts: { count: judged.chain.receipts.length, fault: judged.chain.fault ?? null },
    findings,
  };
}

interface Page {
  readonly columns: number;
  readonly paint: Paint;
  readonly now: Date;
}

function textOf(answer: Answer, page: Page): readonly string[] {
  const { holding, state, findings } = answer;
  const { columns, paint } = page;
  const rows = [
    ...overview(answer, page),
    ...state.places.flatMap((place) => placeLines(place, page)),
    ...keyLines(state, page),
  ];
  const fails = findings.filter(({ severity }) => severity === 'fail').length;
  const verdict =
    fails > 0
      ? paint('red', `${plural(fails, 'thing')} must be mended; maint runbook backups says how`)
      : findings.length > 0
        ? paint('yellow', `nothing is broken; ${plural(findings.length, 'thing')} should be looked at`)
        : paint('green', 'no backup is bad, and no rule is broken');
  return [
    paint('bold', printable(`${holding.label} in ${holding.where}`)),
    ...definitions(
      rows.map(([term, text]) => [term, printable(text)]),
      { columns },
    ),
    '',
    // The worst comes last, where it stays on the screen.
    ...findings.toReversed().flatMap((finding) => findingLines(finding, page)),
    verdict,
  ];
}

type Row = readonly [term: string, text: string];

function ago(at: Date | undefined, { now }: Page): string {
  return at === undefined ? 'never' : `${formatDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
}

function overview({ judged, state }: Answer, page: Page): readonly Row[] {
  const { newest, rpoMs, threeTwoOne, standings } = state;
  const { copies, media, offsite, immutable } = threeTwoOne;
  const { receipts, fault } = judged.chain;
  const proof = newest?.proof;
  return [
    [
      'newest',
      newest === undefined || rpoMs === undefined
        ? 'none that is verified'
        : `${newest.entry.id}: ${formatDuration(rpoMs)} would be lost now; ${proof === undefined ? 'never verified' : `verified by ${proof.level} ${ago(proof.at, page)}`}`,
    ],
    ['backups', formatCount(standings.length)],
    [
      '3-2-1',
      `${plural(copies, 'copy', 'copies')} with the live database, ${plural(media, 'kind of media', 'kinds of media')}, ` +
        `${formatCount(offsite)} offsite, ${formatCount(immutable)} immutable: ${isThreeTwoOne(state) ? 'kept' : 'not kept'}`,
    ],
    ['receipts', fault === undefined ? `${formatCount(receipts.length)}, the chain is whole` : `broken: ${fault}`],
  ];
}

function isThreeTwoOne({ threeTwoOne: { copies, media, offsite } }: State): boolean {
  return copies >= 3 && media >= 2 && offsite >= 1;
}

function placeLines(place: PlaceState, page: Page): readonly Row[] {
  const { name, medium, isOffsite, immutableForMs, holdsNewest, verifiedAt, restored, tried } = place;
  const kind = [
    medium,
    ...(isOffsite ? ['offsite'] : []),
    ...(immutableForMs === undefined ? [] : [`immutable for ${formatDuration(immutableForMs)}`]),
  ];
  const { checksum, decode } = verifiedAt;
  const rto = restored?.rtoSeconds;
  const failed = tried?.verdict === 'fail' ? `, and failed ${ago(tried.at, page)}` : '';
  return [
    [
      name,
      `${kind.join(', ')}; ${holdsNewest ? 'has the newest' : 'has not the newest, as far as anybody has looked'}; ` +
        `checksums ${ago(checksum, page)}, decoded ${ago(decode, page)}, restored ${ago(restored?.at, page)}` +
        `${rto === undefined ? '' : ` in ${formatDuration(rto * 1_000)}`}${failed}`,
    ],
  ];
}

function keyLines({ keys }: State, page: Page): readonly Row[] {
  return keys.map(({ recipient, provenAt }, index) => [
    index === 0 ? 'keys' : '',
    `${recipient}: ${provenAt === undefined ? 'never proven by a restore test' : `last proven ${ago(provenAt, page)}`}`,
  ]);
}

function findingLines(
  { severity, detail, message, remediation }: StatusFinding,
  { columns, paint }: Page,
): readonly string[] {
  const { mark, color } = LOOKS[severity];
  const [first = '', ...rest] = hanging('  ', printable(redacted(`${message} (${detail})`)), columns);
  return [`${paint(color, mark)}${first.slice(1)}`, ...rest, ...remediation.map((each) => `    → ${printable(each)}`)];
}
