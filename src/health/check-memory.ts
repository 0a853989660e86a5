import { z } from 'zod';
import { memoryFacts, type MemoryFacts } from '../adapters/memory-facts.ts';
import { formatBytes, formatShare, plural } from '../base/units.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import type { SampleHistory } from '../engine/sample.ts';
import { DAY_MS } from '../base/units.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';
import { defineCheck } from './check.ts';

export const memorySettings = z
  .strictObject({
    warnAt: shareSetting(0.9).describe('Warn when this share of the memory of the host, or of its container, is taken'),
    failAt: shareSetting(0.97).describe('Fail from this share on'),
    warnStalledAt: shareSetting(0.1).describe(
      'Warn when for this share of the last five minutes something had to wait for memory',
    ),
  })
  .refine(warnsFirst, WARNS_FIRST);
type MemorySettings = z.infer<typeof memorySettings>;

export const memoryCheck = defineCheck({
  id: 'memory',
  dimension: 'resources',
  alertClass: 'ticket',
  impact: 'the kernel ends processes for want of memory',
  measures: 'share of the memory of the host, or of its control group, that is taken',
  warns:
    '`memory.warnAt` of it, waiting for it for `memory.warnStalledAt` of the time, or the kernel ended a process since the last look',
  fails: '`memory.failAt` of it',
  settings: { memory: memorySettings.prefault({}).describe('How much memory may be taken where maint runs') },
  questions: ({ memory }) => [{ title: 'memory', look: (around) => checkMemory(memory, around) }],
});

interface Surroundings {
  readonly history: SampleHistory;
  now(): Date;
}

const KILLS = 'memory.oomKills';
const SUBJECT = 'this host';

/**
 * Looks how much memory is left where maint runs, and whether the kernel had to end a process since the last look.
 * @throws MaintError FILE_UNUSABLE when what the kernel tells cannot be read
 */
export async function checkMemory(settings: MemorySettings, around: Surroundings): Promise<Outcome> {
  const facts = memoryFacts();
  if (facts === undefined) return skip('this system does not tell how much memory is available');
  const last = around.history.samples(KILLS, SUBJECT, new Date(around.now().getTime() - DAY_MS)).at(-1)?.value;
  return judgeMemory(facts, last, settings);
}

/** @param killsBefore the count at the last look; undefined where there was none within a day */
export function judgeMemory(facts: MemoryFacts, killsBefore: number | undefined, settings: MemorySettings): Outcome {
  const { of, totalBytes, availableBytes, oomKills, stalledShare = 0 } = facts;
  const share = 1 - availableBytes / Math.max(1, totalBytes);
  const killed = killsBefore === undefined ? 0 : Math.max(0, (oomKills ?? 0) - killsBefore);
  const graded = gradeShare(share, settings);
  const isStalled = stalledShare >= settings.warnStalledAt;
  const status = graded === 'done' && (killed > 0 || isStalled) ? 'warn' : graded;
  const stall = isStalled ? `; something waits for memory ${formatShare(stalledShare)} of the time` : '';
  const whose = of === 'host' ? '' : ' of this container';
  const kills = killed === 0 ? '' : `; the kernel ended ${plural(killed, 'process', 'processes')} for want of memory`;
  return {
    status,
    summary: `${formatShare(share)} of the memory${whose} taken, ${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} available${kills}${stall}`,
    remediation: status === 'done' ? [] : REMEDIATION,
    facts: { of, share, totalBytes, availableBytes, oomKills: oomKills ?? null, killed, stalledShare },
    samples: [
      { name: 'memory.used', subject: SUBJECT, value: share, unit: 'ratio' },
      ...(oomKills === undefined ? [] : [{ name: KILLS, subject: SUBJECT, value: oomKills, unit: 'count' as const }]),
    ],
  };
}

const REMEDIATION = [
  'ps -eo pid,rss,comm --sort=-rss | head -n 15',
  `journalctl -k --since "1 day ago" | grep -i 'out of memory'`,
  'Give the host or the container more memory, or lower what takes it: connections times work_mem, shared_buffers, the pool of the application.',
];
