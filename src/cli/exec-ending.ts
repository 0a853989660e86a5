import type { ForeignEnd } from '../adapters/foreign-command.ts';
import type { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import type { Ending } from '../engine/endings.ts';
import type { LedgerEntry } from '../engine/ledger.ts';
import { durationAnomaly, goodDurationsMs } from '../schedule/duration-anomaly.ts';
import { NO_COORDINATOR } from './coordinated.ts';

/** What is known of a foreign command once it has ended. */
interface CommandEnd {
  readonly job: string;
  /** Undefined where it was not begun, because nobody could say what other hosts do. */
  readonly end: ForeignEnd | undefined;
  readonly uncoordinated: MaintError | undefined;
  readonly durationMs: number;
  /** Newest first. */
  readonly earlier: readonly LedgerEntry[];
}

/** What a command has come to, in the words of a step. Its words are never repeated: they may hold a secret. */
export function commandEnding({ job, end, uncoordinated, durationMs, earlier }: CommandEnd): Ending {
  const samples = [{ name: 'exec.duration', subject: job, value: durationMs / 1_000, unit: 'seconds' as const }];
  if (end === undefined) return skippedEnding(uncoordinated);
  const facts = { exitCode: end.exitCode, signal: end.signal, hasTimedOut: end.hasTimedOut, durationMs };
  const after = `after ${formatDuration(durationMs)}`;
  if (end.refused !== undefined)
    return { verdict: 'fail', summary: `it could not be started: ${end.refused}`, facts, remediation: [START] };
  if (end.hasTimedOut)
    return {
      verdict: 'fail',
      summary: `ended by its timeout ${after}`,
      facts,
      detail: 'exec.timeout',
      remediation: [TIMEOUT],
    };
  if (end.exitCode !== 0) {
    const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
    return {
      verdict: 'fail',
      summary: `ended with ${how} ${after}`,
      facts,
      detail: 'exec.failed',
      remediation: [LOOK],
    };
  }
  const anomaly = durationAnomaly(durationMs, goodDurationsMs(earlier));
  if (anomaly !== undefined)
    return { verdict: 'warn', summary: anomaly, facts, samples, detail: 'exec.duration', remediation: [ODD] };
  return { verdict: 'done', summary: `ended with exit code 0 ${after}`, facts, samples };
}

const START = 'Name the program by its absolute path, for cron has a short PATH; make it executable.';
const TIMEOUT = 'Find out what holds it up, or raise --timeout or the timeout under jobs.';
const LOOK = 'What it printed says why: cron mails it, journald keeps it, or it is where its output was sent.';
const ODD = 'See whether it did all of its work: too short is as odd as too long.';

function skippedEnding(error: MaintError | undefined): Ending {
  return {
    verdict: 'crash',
    summary: `skipped: ${NO_COORDINATOR}${error === undefined ? '' : `: ${error.message}`}`,
    detail: 'schedule.no_coordinator',
    remediation: [
      ...(error === undefined ? [] : [error.hint]),
      'Start it again once the database answers; where this host is the only one: database.coordination: off',
    ],
  };
}
