import type { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import type { AlertClass, Concern } from '../engine/concern.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { PlanContext, StepContext } from '../engine/task.ts';

/**
 * A check, declared once: what it is about, what it measures, from where on it warns and fails, and whom that concerns.
 * A newcomer adds one by one file `health/check-….ts`, one line in `health/checks.ts`, a runbook `docs/runbooks/<id>.md` and
 * one test; settings, `docs/checks.md`, `maint runbook` and the contract tests follow.
 */
export interface Check<Shape extends z.ZodRawShape = z.ZodRawShape> extends Omit<Concern, 'check'> {
  /** kebab-case; the page of its runbook. Titles are this id, with blanks for hyphens, and a subject where there are several. */
  readonly id: string;
  /** What is measured, and in which unit; for `docs/checks.md`. */
  readonly measures: string;
  /** When it warns, in words; a setting in backticks is shown with its default. Undefined where it never does. */
  readonly warns?: string;
  /** When it fails, likewise. */
  readonly fails?: string;
  /** Its keys in the block `tasks.health` of the configuration. */
  readonly settings: Shape;
  /** What to ask, given the settings; none where nobody asked for it. A method, so that `Check<S>` fits into `readonly Check[]`. */
  questions(chosen: z.output<z.ZodObject<Shape>>, context: CheckPlan): Questions | Promise<Questions>;
}

export type Questions = readonly Question[];
type CheckPlan = Pick<PlanContext<unknown>, 'database' | 'self'>;

/** One step of a check. */
export type Question = DatabaseQuestion | Look;

interface Subject {
  /** The same from run to run. */
  readonly title: string;
  /** Where the configuration says how urgent this one is. */
  readonly alertClass?: AlertClass | undefined;
}

/** What the database is asked for. Asked one after the other, over one connection, and not at all while there is no answer. */
export interface DatabaseQuestion extends Subject {
  /** Does its failure say that the database does not answer? Then nothing else is asked. */
  readonly decides?: true;
  ask(database: Reader, around: Around): Promise<Outcome>;
}

/** What is found out without the database, and so beside other looks. */
interface Look extends Subject {
  look(around: Around): Promise<Outcome>;
}

/** What a check gets from whoever performs it. */
export type Around = Omit<StepContext, 'database' | 'progress'>;

/** Gives `questions` its types from `settings`; adds nothing at run time. */
export function defineCheck<Shape extends z.ZodRawShape>(check: Check<Shape>): Check<Shape> {
  return check;
}
