import type { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { formatBytes, plural } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import type { FoundLog } from './find-logs.ts';
import type { Obstacle } from './measure.ts';
import type { Tidied } from './rotate-log.ts';
import { isDue, toCompress, toRemove } from './rotation-plan.ts';
import type { Rotation } from './rotation-settings.ts';
import { rotatedName } from './rotated-names.ts';

/** What was not looked at. */
export interface Aside {
  readonly path: string;
  readonly obstacle: Obstacle;
}

/** What a rotation would do, line by line. */
export function rotationIntent(
  rotation: Rotation,
  { logs, aside }: { readonly logs: readonly FoundLog[]; readonly aside: readonly Aside[] },
  now: Date,
): readonly string[] {
  const lines = logs.flatMap((log) => [
    ...(isDue(log, rotation, now.getTime())
      ? [`${VERBS[rotation.method]} ${pathOf(log)} to ${rotatedName(log.name, now)} (${sizeOf(log)})`]
      : []),
    ...log.partials.map((name) => `remove ${printable(name)}, which a killed run left`),
    ...toCompress(log.rotated, rotation).map(({ name }) => `compress ${printable(name)}`),
    ...toRemove(log.rotated, rotation).map(({ name }) => `remove ${printable(name)}: ${rotation.keep} are kept`),
  ]);
  const isRenamed = rotation.method === 'rename' && logs.some((log) => isDue(log, rotation, now.getTime()));
  return [
    ...(lines.length > 0
      ? lines
      : [`nothing has to be put aside: ${plural(logs.length, 'log')} below ${rotation.root}`]),
    ...(isRenamed ? [`run ${printable((rotation.reopen ?? []).join(' '))}`] : []),
    ...aside.map(({ path, obstacle }) => `leave ${printable(path)} (${obstacle})`),
  ];
}

const VERBS = { copytruncate: 'copy and empty', rename: 'rename' } as const;

/** What a rotation did. */
export interface Rotated {
  readonly logs: readonly FoundLog[];
  readonly aside: readonly Aside[];
  readonly asideCount: number;
  readonly asideBytes: number;
  readonly tidied: readonly Tidied[];
  readonly failures: readonly MaintError[];
  readonly isReopened: boolean;
}

/** What became of a rotation. */
export function rotationOutcome(rotation: Rotation, rotated: Rotated): Outcome {
  const { logs, asideCount, asideBytes, tidied, failures } = rotated;
  const total = totalOf(tidied);
  const extras = { facts: factsOf(rotation, rotated, total), samples: samplesOf(rotation, rotated, total) };
  const parts = [
    asideCount === 0
      ? `no log of ${logs.length} below ${rotation.root} had to be put aside`
      : `${plural(asideCount, 'log')} below ${rotation.root} put aside, ${formatBytes(asideBytes)}`,
    ...(total.packed > 0
      ? [`${total.packed} compressed, ${formatBytes(total.packedFromBytes)} to ${formatBytes(total.packedToBytes)}`]
      : []),
    ...(total.removed > 0 ? [`${total.removed} removed`] : []),
    ...(total.busy > 0 ? [`${total.busy} not yet compressed: something still writes to them`] : []),
  ];
  const summary = parts.join('; ');
  const [first] = failures;
  if (first !== undefined)
    return fail(`${summary}; ${failures.length} went wrong: ${first.message}`, remediationOf(failures), {
      ...extras,
      detail: 'clean.rotation_failed',
    });
  if (logs.length === 0 && rotated.aside.length === 0)
    return warn(`no log below ${rotation.root} is meant by ${rotation.files.join(', ')}`, [LOOK], {
      ...extras,
      detail: 'clean.no_log',
    });
  return done(summary, extras);
}

const LOOK = 'Correct root or files in the configuration, or take the rotation out of it.';

function remediationOf(failures: readonly MaintError[]): readonly string[] {
  return [...new Set(failures.map(({ hint }) => hint)), 'maint clean'];
}

interface Total extends Omit<Tidied, 'busy'> {
  readonly busy: number;
}

function totalOf(tidied: readonly Tidied[]): Total {
  const sum = (of: (one: Tidied) => number): number => tidied.reduce((total, one) => total + of(one), 0);
  return {
    packed: sum(({ packed }) => packed),
    packedFromBytes: sum(({ packedFromBytes }) => packedFromBytes),
    packedToBytes: sum(({ packedToBytes }) => packedToBytes),
    removed: sum(({ removed }) => removed),
    freedBytes: sum(({ freedBytes }) => freedBytes),
    busy: sum(({ busy }) => busy.length),
  };
}

function factsOf(rotation: Rotation, rotated: Rotated, total: Total): NonNullable<Outcome['facts']> {
  return {
    rotation: rotation.name,
    root: rotation.root,
    logs: rotated.logs.length,
    putAside: rotated.asideCount,
    bytes: rotated.asideBytes,
    reopened: rotated.isReopened,
    ...total,
    failures: rotated.failures.map(({ message }) => message),
  };
}

function samplesOf(
  { name: subject }: Rotation,
  { logs }: Rotated,
  { freedBytes, packedFromBytes, packedToBytes }: Total,
): NonNullable<Outcome['samples']> {
  const bytes = logs.reduce(
    (sum, { current, rotated }) =>
      sum + (current?.sizeBytes ?? 0) + rotated.reduce((inner, { state }) => inner + state.sizeBytes, 0),
    0,
  );
  return [
    { name: 'clean.logs', subject, value: bytes, unit: 'bytes' },
    { name: 'clean.freed', subject, value: freedBytes + packedFromBytes - packedToBytes, unit: 'bytes' },
  ];
}

function pathOf({ folder, name }: FoundLog): string {
  return printable(folder === '' ? name : `${folder}/${name}`);
}

function sizeOf({ current }: FoundLog): string {
  return formatBytes(current?.sizeBytes ?? 0);
}
