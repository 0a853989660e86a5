import type { Concern } from '../engine/concern.ts';
import type { RunReport, StepReport } from '../engine/report.ts';
import type { Round } from './round.ts';

/** The task that problems of channels belong to. */
const TASK = 'alerts';

const CONCERN: Concern = {
  check: 'alerting',
  dimension: 'meta',
  alertClass: 'page',
  impact: 'whoever should hear of the next problem on this channel will not',
};

/**
 * What a round found out about its channels, as the report of a task of its own; undefined where there is nothing to say,
 * or no channel left to say it.
 */
export function brokenChannels({ settings, report, broken, working, states }: Round): RunReport | undefined {
  const isKnown = states.some(({ task }) => task === TASK);
  const isTellable = settings.channels.some(({ name }) => !broken.has(name));
  if (!isTellable || (broken.size === 0 && !isKnown)) return undefined;
  const steps = settings.channels.map(({ name }) =>
    stepOf(name, { report, error: broken.get(name), isWorking: working.has(name) }),
  );
  const task = { task: TASK, verdict: 'done', durationMs: 0, planned: true, steps } as const;
  return { ...report, tasks: [task] };
}

interface Tried {
  readonly report: RunReport;
  /** Why it refuses for good. */
  readonly error: string | undefined;
  readonly isWorking: boolean;
}

function stepOf(name: string, { report, error, isWorking }: Tried): StepReport {
  const isBroken = error !== undefined;
  return {
    title: `channel ${name}`,
    verdict: isBroken ? 'fail' : isWorking ? 'done' : 'not-run',
    summary: isBroken ? `takes no alert until it is mended: ${error}` : 'took an alert',
    facts: {},
    remediation: isBroken ? [`maint alerts test --channel ${name}`] : [],
    concern: CONCERN,
    code: null,
    detail: null,
    intent: [],
    samples: [],
    startedAt: report.startedAt,
    durationMs: 0,
  };
}
