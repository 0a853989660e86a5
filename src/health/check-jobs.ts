import { plural } from '../base/units.ts';
import { done, skip, type Outcome } from '../engine/outcome.ts';
import type { JobFate } from '../engine/self.ts';
import { worst } from '../engine/verdict.ts';
import { defineCheck } from './check.ts';

/** Is maint itself late? */
export const jobsCheck = defineCheck({
  id: 'jobs',
  dimension: 'meta',
  alertClass: 'ticket',
  impact: 'what was to run by itself does not: no backup, no pruning, no report',
  measures: 'number of slots that no run was begun for; how the last runs ended',
  warns: 'a slot was skipped, or the last run was killed',
  fails: 'a slot was missed, or two runs in a row failed',
  settings: {},
  questions(_, { self }) {
    const jobs = self?.jobs;
    return jobs === undefined ? [] : [{ title: 'jobs', look: async () => judgeJobs(jobs()) }];
  },
});

interface Judged {
  readonly status: 'done' | 'warn' | 'fail';
  readonly text: string;
}

/** As bad as the worst job. */
function judgeJobs(jobs: readonly JobFate[]): Outcome {
  const known = jobs.filter(({ ends, missed, skipped }) => ends.length + missed.length + skipped.length > 0);
  if (known.length === 0) return skip('no job has run by schedule yet');
  const judged = known.map(judgeJob);
  const bad = judged.filter(({ status }) => status !== 'done');
  const missed = known.reduce((sum, job) => sum + job.missed.length, 0);
  const extras: Parameters<typeof done>[1] = {
    facts: { jobs: known.map(({ job, missed, skipped, ends }) => ({ job, missed, skipped, ends })) },
    samples: [{ name: 'jobs.missed', subject: 'this project', value: missed, unit: 'count' }],
  };
  if (bad.length === 0) return done(`${plural(known.length, 'job')}, none late`, extras);
  const status = worst(bad.map((each) => each.status)) === 'fail' ? 'fail' : 'warn';
  return { status, summary: bad.map(({ text }) => text).join('; '), remediation: REMEDIATION, ...extras };
}

function judgeJob({ job, missed, skipped, ends }: JobFate): Judged {
  const [last, before] = ends;
  if (missed.length > 0) {
    const newest = missed.at(-1)?.slice(0, 16).replace('T', ' ') ?? '';
    return { status: 'fail', text: `${job}: ${plural(missed.length, 'slot')} missed, the newest at ${newest} UTC` };
  }
  if (last === 'failed' && before === 'failed') return { status: 'fail', text: `${job}: the last two runs failed` };
  const [first] = skipped;
  if (first !== undefined)
    return { status: 'warn', text: `${job}: ${plural(skipped.length, 'slot')} skipped: ${first.reason}` };
  if (last === 'killed') return { status: 'warn', text: `${job}: the last run was killed` };
  return { status: 'done', text: job };
}

const REMEDIATION = [
  'maint status # which slots, and what became of them',
  'maint cron install # is the schedule in the crontab at all?',
  'maint doctor',
  'Was the host down, or its cron? journalctl -u cron --since yesterday',
];
