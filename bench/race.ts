import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdown, MB, measureSuccess, median, type Command, type Measure } from './measure.ts';

/** A folder for a bench, which goes away with it. */
export function benchFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'maint-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** What runs against each other, by name. */
export type Contenders = Readonly<Record<string, Command>>;

/** What each took, and how they compare. */
export interface Race<M extends Measure = Measure> {
  readonly runs: ReadonlyMap<string, readonly M[]>;
  /** The median of one. */
  wallSeconds(name: string): number;
}

interface Rules<M extends Measure> {
  readonly rounds: number;
  /** Whether a round before the first one warms the caches; it counts for nothing. */
  readonly warmsUp?: boolean;
  /** Runs one of them once. */
  readonly run: (command: Command) => Promise<M>;
}

/** Lets all of them run in turn, so that what the machine does meanwhile meets each alike. */
export async function race<M extends Measure>(contenders: Contenders, rules: Rules<M>): Promise<Race<M>> {
  const runs = new Map<string, M[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = rules.warmsUp === true ? 0 : 1; round <= rules.rounds; round += 1) {
    for (const [name, command] of Object.entries(contenders)) {
      const measured = await rules.run(command);
      if (round === 0) continue;
      runs.get(name)?.push(measured);
      const others = measured.foreignCpuSeconds.toFixed(1);
      console.log(`round ${round}: ${name}: ${measured.wallSeconds.toFixed(2)} s, others ${others} CPU s`);
    }
  }
  return { runs, wallSeconds: (name) => median(runs.get(name) ?? []).wallSeconds };
}

/** As `race`, for commands that need nothing prepared. */
export async function raceCommands(contenders: Contenders, rules: Omit<Rules<Measure>, 'run'>): Promise<Race> {
  return race(contenders, { ...rules, run: measureSuccess });
}

/** A column of a table: what it says of all runs of one. */
export type Column<M extends Measure> = (runs: readonly M[]) => string;

/** Wall time against that of one of them. */
export function times<M extends Measure>(found: Race<M>, name: string): Column<M> {
  return (runs) => (median(runs).wallSeconds / found.wallSeconds(name)).toFixed(2);
}

/** CPU against that of one of them: where others use the machine it says more than wall time. */
export function timesCpu<M extends Measure>(found: Race<M>, name: string): Column<M> {
  const cpu = (runs: readonly M[]): number => median(runs).cpuSeconds;
  return (runs) => (cpu(runs) / cpu(found.runs.get(name) ?? [])).toFixed(2);
}

/** What most tables say. */
export const COLUMNS = {
  'wall s': (runs: readonly Measure[]) => median(runs).wallSeconds.toFixed(2),
  'CPU s': (runs: readonly Measure[]) => median(runs).cpuSeconds.toFixed(2),
  'peak MB (PSS, tree)': (runs: readonly Measure[]) => (peakTreeBytes(runs) / MB).toFixed(0),
  'peak MB, resident': (runs: readonly Measure[]) => (peakOwnBytes(runs) / MB).toFixed(0),
  'CPU s of others': (runs: readonly Measure[]) => median(runs).foreignCpuSeconds.toFixed(1),
};

/** Of the program and all that it started. */
export function peakTreeBytes(runs: readonly Measure[]): number {
  return Math.max(...runs.map(({ treeBytes }) => treeBytes));
}

/** Of the program alone. */
export function peakOwnBytes(runs: readonly Measure[]): number {
  return Math.max(...runs.map(({ ownBytes }) => ownBytes));
}

/** One row for each of them. */
export function table<M extends Measure>(found: Race<M>, columns: Readonly<Record<string, Column<M>>>): string {
  const rows = [...found.runs].map(([name, runs]) => [name, ...Object.values(columns).map((say) => say(runs))]);
  return markdown([['', ...Object.keys(columns)], ...rows]);
}
