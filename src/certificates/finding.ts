import { done, type Facts, type Outcome } from '../engine/outcome.ts';
import type { Sample } from '../engine/sample.ts';
import { worst } from '../engine/verdict.ts';

/** One thing that is wrong. */
export interface Finding {
  readonly grade: 'warn' | 'fail';
  /** Dotted name for programs: `certificate.expired`. */
  readonly detail: string;
  /** For a person, fit to stand beside others in one line. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: readonly string[];
}

/** What was looked at, once it is known what is wrong with it. */
interface Judged {
  readonly findings: readonly Finding[];
  /** What to say when nothing is wrong. */
  readonly allWell: string;
  /** What helps with every finding, after its own remedy: how to look. */
  readonly look: readonly string[];
  readonly facts: Facts;
  readonly samples: readonly Sample[];
}

/** As bad as the worst finding, which also comes first; each remedy is said once. */
export function outcomeOf({ findings, allWell, look, facts, samples }: Judged): Outcome {
  const inOrder = findings.toSorted((a, b) => Number(b.grade === 'fail') - Number(a.grade === 'fail'));
  const [first] = inOrder;
  const told = inOrder.map(({ grade, detail, message }) => ({ grade, detail, message }));
  const extras = { facts: { ...facts, findings: told }, samples };
  if (first === undefined) return done(allWell, extras);
  const status = worst(inOrder.map(({ grade }) => grade)) === 'fail' ? 'fail' : 'warn';
  return {
    status,
    summary: [...new Set(inOrder.map(({ message }) => message))].join('; '),
    remediation: [...new Set([...inOrder.flatMap(({ remedy }) => remedy), ...look])],
    detail: first.detail,
    ...extras,
  };
}
