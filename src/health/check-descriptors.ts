import { z } from 'zod';
import { descriptorFacts, type DescriptorFacts, type ProcessDescriptors } from '../adapters/descriptors.ts';
import { formatCount, formatShare, plural } from '../base/units.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import { worst } from '../engine/verdict.ts';
import { defineCheck } from './check.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';

const descriptorsSettings = z
  .strictObject({
    warnAt: shareSetting(0.7).describe('Warn from this share of the files on that the host, or a process, may open'),
    failAt: shareSetting(0.9).describe('Fail from this share on'),
  })
  .refine(warnsFirst, WARNS_FIRST);
type DescriptorsSettings = z.infer<typeof descriptorsSettings>;

/** Open files against their limits. */
export const descriptorsCheck = defineCheck({
  id: 'descriptors',
  dimension: 'resources',
  alertClass: 'ticket',
  impact: 'at the limit a process can open neither a file nor a connection',
  measures: 'share of the open files that the host, and each process that maint may look into, is allowed',
  warns: '`descriptors.warnAt` of them',
  fails: '`descriptors.failAt` of them',
  settings: {
    descriptors: descriptorsSettings.prefault({}).describe('How many files may be open where maint runs'),
  },
  questions: ({ descriptors }) => [
    {
      title: 'descriptors',
      look: async () => {
        const facts = descriptorFacts();
        return facts === undefined
          ? skip('this system does not tell how many files are open')
          : judgeDescriptors(facts, descriptors);
      },
    },
  ],
});

/** As bad as the worst of the host and its processes. */
export function judgeDescriptors(facts: DescriptorFacts, settings: DescriptorsSettings): Outcome {
  const host = facts.open / Math.max(1, facts.limit);
  const [fullest] = facts.processes.toSorted((a, b) => shareOf(b) - shareOf(a));
  const most = fullest === undefined ? 0 : shareOf(fullest);
  const status = worst([gradeShare(host, settings), gradeShare(most, settings)]);
  const unseen =
    facts.unseen === 0 ? '' : `; ${plural(facts.unseen, 'process', 'processes')} of others not looked into`;
  return {
    status: status === 'fail' || status === 'warn' ? status : 'done',
    summary: `${formatCount(facts.open)} open files on this host (${formatShare(host)})${fullestText(fullest)}${unseen}`,
    remediation: status === 'done' ? [] : remediation(fullest),
    facts: {
      open: facts.open,
      limit: facts.limit,
      unseen: facts.unseen,
      fullest: fullest === undefined ? null : { ...fullest },
    },
    samples: [
      { name: 'descriptors.host', subject: 'this host', value: host, unit: 'ratio' },
      { name: 'descriptors.process', subject: 'this host', value: most, unit: 'ratio' },
    ],
  };
}

function shareOf({ open, limit }: ProcessDescriptors): number {
  return open / Math.max(1, limit);
}

function fullestText(fullest: ProcessDescriptors | undefined): string {
  if (fullest === undefined) return '';
  const { command, pid, open, limit } = fullest;
  return `; most in ${command} (pid ${pid}): ${formatCount(open)} of ${formatCount(limit)}`;
}

function remediation(fullest: ProcessDescriptors | undefined): readonly string[] {
  const pid = fullest?.pid ?? '<pid>';
  return [
    `sudo ls -l /proc/${pid}/fd | awk '{print $NF}' | sed 's/[0-9]*$//' | sort | uniq -c | sort -n | tail # what it holds open`,
    'A number that only grows is a leak: restart the process, and tell whoever wrote it.',
    'A limit that is too low: LimitNOFILE= in its unit, then systemctl daemon-reload and a restart; fs.file-max for the host.',
  ];
}
