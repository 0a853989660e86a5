import { readFindings, type Problem } from '../../alerts/problems.ts';
import type { Journal } from '../../engine/journal.ts';
import type { RunReport } from '../../engine/report.ts';

/** What a tick has to say to whom cron mails, where no channel tells of problems. */
export interface News {
  /** Is there a problem that was not said before, or that has become another? */
  readonly isNew: boolean;
  /** A line for each problem that is over since the tick before. */
  readonly over: readonly string[];
}

/**
 * Compares a tick with what the ticks before it have said, and remembers what is said now. A problem is said when it
 * begins, when it changes between warning, failure and unknown, and when it is over; not every five minutes.
 */
export function newsOf(report: RunReport, journal: Journal): News {
  const shelf = journal.shelf('said');
  const said = new Map(shelf.all().map((body) => [fingerprintIn(body), body]));
  const findings = readFindings(report, 'warn');
  const found = [...findings.problems.values()].map(bodyOf);
  const before = [...said.values()].filter((body) => !findings.problems.has(fingerprintIn(body)));
  const ended = before.map((body) => ({ body, standing: findings.standing(subjectIn(body)) }));
  // What was not looked at this time is neither over nor new.
  const unknown = ended.flatMap(({ body, standing }) => (standing.is === 'unknown' ? [body] : []));
  shelf.replace([...found, ...unknown].map((body) => ({ id: fingerprintIn(body), body })));
  return {
    isNew: found.some((body) => said.get(fingerprintIn(body)) !== body),
    over: ended.flatMap(({ body, standing }) => {
      const { task, step } = subjectIn(body);
      return 'summary' in standing ? [`over: ${task}: ${step}: ${standing.summary}`] : [];
    }),
  };
}

/** Names may hold anything but a line break. */
function bodyOf({ fingerprint, severity, task, step }: Problem): string {
  return [fingerprint, severity, task, step].join('\n');
}

function fingerprintIn(body: string): string {
  return body.split('\n')[0] ?? '';
}

function subjectIn(body: string): Pick<Problem, 'fingerprint' | 'task' | 'step'> {
  const [fingerprint = '', , task = '', ...step] = body.split('\n');
  return { fingerprint, task, step: step.join('\n') };
}
