import { z } from 'zod';
import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { ALERT_CLASSES, type AlertClass } from '../engine/concern.ts';
import type { Questions } from './check.ts';
import { fail, type Facts, type Outcome } from '../engine/outcome.ts';
import type { Sample } from '../engine/sample.ts';

/** Settings of everything that must answer over the network, for spreading into a schema. */
export const reachSettings = {
  name: z.string().min(1).optional().describe('What reports call it; its address where left out'),
  timeout: durationSetting.prefault('5s').describe('How long one try may take'),
  warnAfter: durationSetting.prefault('500ms').describe('Warn when the answer takes longer than this'),
  retryAfter: durationSetting.prefault('2s').describe('How long to wait between a failed try and the second, last one'),
  alertClass: z
    .enum(ALERT_CLASSES)
    .optional()
    .describe('How urgent its failure is, where it is not as urgent as usual for this check'),
};

interface ReachSettings {
  readonly alertClass?: AlertClass | undefined;
  readonly timeout: number;
  readonly warnAfter: number;
  readonly retryAfter: number;
}

/** What came back from something that answers as it should. */
export interface Reached {
  /** For the summary: `PONG`, `STARTTLS offered`. */
  readonly note: string;
  readonly facts?: Facts;
  /** What is not well although it answers. */
  readonly worry?: string;
  readonly samples?: readonly Sample[];
}

/** What is common to all that one check reaches. */
interface Kind<Settings> {
  /** The first words of the title. */
  readonly word: string;
  /** Dotted name of the measure. */
  readonly sample: string;
  nameOf(settings: Settings): string;
  remediation(settings: Settings): readonly string[];
  /** One try. @throws MaintError whose message says what is wrong, when no answer comes or a wrong one */
  attempt(settings: Settings, signal: AbortSignal): Promise<Reached>;
}

/** One step for each target, each with two tries. */
export function reachQuestions<Settings extends ReachSettings>(
  targets: readonly Settings[],
  kind: Kind<NoInfer<Settings>>,
): Questions {
  return targets.map((settings) => ({
    title: `${kind.word} ${kind.nameOf(settings)}`,
    alertClass: settings.alertClass,
    look: ({ signal }) =>
      checkReach(
        {
          subject: kind.nameOf(settings),
          sample: kind.sample,
          settings,
          remediation: kind.remediation(settings),
          attempt: (limit) => kind.attempt(settings, limit),
        },
        signal,
      ),
  }));
}

/** Something to be reached. */
interface Probe {
  /** What the trend is kept under. */
  readonly subject: string;
  readonly sample: string;
  readonly settings: ReachSettings;
  readonly remediation: readonly string[];
  attempt(signal: AbortSignal): Promise<Reached>;
}

interface Try {
  readonly reached?: Reached;
  readonly fault?: string;
  readonly durationMs: number;
}

/** Tries, and once more after a failure, since a single lost packet is no news. Only the time of the last try counts. */
async function checkReach(probe: Probe, signal: AbortSignal): Promise<Outcome> {
  const first = await tryOnce(probe, signal);
  if (first.fault === undefined) return judge(probe, first);
  await wait(probe.settings.retryAfter, signal);
  signal.throwIfAborted();
  return judge(probe, await tryOnce(probe, signal), first.fault);
}

/** What these errors say is what the check is about; any other means that nothing was found out. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['HOST_UNREACHABLE', 'STORE_UNREACHABLE', 'STORE_REFUSED']);

async function tryOnce(probe: Probe, signal: AbortSignal): Promise<Try> {
  const { settings } = probe;
  const limit = AbortSignal.timeout(settings.timeout);
  const { value, ms: durationMs } = await timed(async () => {
    try {
      return await probe.attempt(AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) return `no answer within ${formatDuration(settings.timeout)}`;
      if (error instanceof MaintError && FAULTS.has(error.code)) return error.message;
      throw error;
    }
  });
  return typeof value === 'string' ? { fault: value, durationMs } : { reached: value, durationMs };
}

/** The last try decides. */
function judge(probe: Probe, { reached, fault, durationMs }: Try, firstFault?: string): Outcome {
  const { subject, sample, settings, remediation } = probe;
  const tries = firstFault === undefined ? 1 : 2;
  const before = firstFault === undefined || firstFault === fault ? '' : `; first try: ${firstFault}`;
  if (reached === undefined) return fail(`${fault ?? ''}${before}`, remediation, { facts: { tries } });
  const { note, worry, facts, samples = [] } = reached;
  const isSlow = durationMs > settings.warnAfter;
  const isWarning = isSlow || worry !== undefined;
  const answered = `${isSlow ? 'slow: ' : ''}${note} in ${formatDuration(durationMs)}${before}`;
  return {
    status: isWarning ? 'warn' : 'done',
    summary: worry === undefined ? answered : `${worry}; ${answered}`,
    remediation: isWarning ? remediation : [],
    facts: { tries, durationMs: Math.round(durationMs), ...facts },
    samples: [{ name: sample, subject, value: durationMs / 1_000, unit: 'seconds' }, ...samples],
  };
}

/** No two of these may go by the same name in reports. */
export function hasOwnNames<Item>(nameOf: (item: Item) => string) {
  return (items: readonly Item[]): boolean => new Set(items.map(nameOf)).size === items.length;
}

/** For `refine`, together with `hasOwnNames`. */
export const OWN_NAMES = 'two of them differ in nothing that reports may show: give them a name each';
