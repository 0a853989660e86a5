import { DAY_MS } from '../../base/units.ts';
import type { Problem, Standing } from '../problems.ts';
import type { Handling } from '../policy.ts';
import { bareState, type AlertState, type Phase } from '../state.ts';
import { REMEMBERED } from './flapping.ts';

/** What a report says of one problem. */
export type Observation = { readonly is: 'problem'; readonly problem: Problem } | Exclude<Standing, { is: 'open' }>;

/** When and in which run something was seen. */
export interface Sight {
  readonly run: string;
  readonly now: Date;
}

/** A state that nobody has seen before. */
export function newState(problem: Problem, { now }: Sight): AlertState {
  const at = now.toISOString();
  return bareState({ ...problem, phase: 'ok', firstSeenAt: at, seenAt: at });
}

/** More than this many within a day say no more than this many. */
const COUNTED_FIRINGS = 5;

/** Takes in one result. The same run counts once, however often it is looked at. */
export function observed(
  state: AlertState,
  observation: Observation,
  { need, resolveAfter, run, now }: Pick<Handling, 'need' | 'resolveAfter'> & Sight,
): AlertState {
  if (observation.is === 'unknown') return state;
  const isProblem = observation.is === 'problem';
  const earlier = state.lastRun === run ? state.recent.slice(0, -1) : state.recent;
  const recent = `${earlier}${isProblem ? '!' : '.'}`.slice(-REMEMBERED);
  const phase = nextPhase(state.phase, recent, {
    need,
    resolveAfter: observation.is === 'gone' ? 1 : resolveAfter,
  });
  const at = now.toISOString();
  const begins = isProblem && beginsAnew(state, phase);
  const fires = phase === 'firing' && state.phase !== 'firing' && state.phase !== 'recovering';
  const firedAt = (fires ? [...state.firedAt, at] : state.firedAt).slice(-COUNTED_FIRINGS);
  return {
    ...state,
    ...(isProblem ? found(observation.problem) : { summary: observation.summary }),
    ...(begins && { firstSeenAt: at, alarmedAt: null, toldClass: null, ack: null, escalations: 0 }),
    phase,
    ending: phase === 'ok' && !isProblem ? observation.is : null,
    recent,
    lastRun: run,
    seenAt: at,
    firedAt: firedAt.filter((instant) => now.getTime() - Date.parse(instant) < DAY_MS),
  };
}

function found({ severity, ...rest }: Problem): Partial<AlertState> {
  return { ...rest, seen: severity };
}

/** A problem that is back before any channel heard of its end is the same story; else, it is a new one. */
function beginsAnew({ phase, lastToldAt }: AlertState, next: Phase): boolean {
  return phase === 'ok' && next !== 'ok' && lastToldAt === null;
}

function nextPhase(
  phase: Phase,
  recent: string,
  { need, resolveAfter }: Pick<Handling, 'need' | 'resolveAfter'>,
): Phase {
  const isProblem = recent.endsWith('!');
  if (phase === 'firing' || phase === 'recovering') {
    if (isProblem) return 'firing';
    return streak(recent) >= resolveAfter ? 'ok' : 'recovering';
  }
  const hits = recent.slice(-need.of).replaceAll('.', '').length;
  if (isProblem) return hits >= need.hits ? 'firing' : 'pending';
  return phase === 'pending' && hits > 0 ? 'pending' : 'ok';
}

/** How many good results came last, in a row. */
function streak(recent: string): number {
  return recent.length - (recent.lastIndexOf('!') + 1);
}
