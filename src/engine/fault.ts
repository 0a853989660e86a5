import { MaintError } from '../base/errors.ts';
import type { Ending } from './endings.ts';

const VERDICTS = ['warn', 'fail', 'crash'] as const;

/** The detail of a step that was forced. */
export const DRILL = 'drill';

/** A step that is made to end badly, so that a person can see that its alarm, and the end of the alarm, arrives. */
export interface Fault {
  /** The title of the step, in any case, with anything but letters and digits as a hyphen: `long-transactions`. */
  readonly step: string;
  readonly verdict: (typeof VERDICTS)[number];
}

/**
 * Reads `long-transactions=fail`, several with commas between.
 * @throws MaintError USAGE when it means nothing
 */
export function parseFaults(text: string | undefined): readonly Fault[] {
  const words = (text ?? '').split(',').filter((word) => word.trim() !== '');
  return words.map((word) => {
    const end = word.lastIndexOf('=');
    const step = slugOf(word.slice(0, Math.max(0, end)));
    const verdict = VERDICTS.find((each) => each === word.slice(end + 1).trim());
    if (step !== '' && verdict !== undefined) return { step, verdict };
    throw new MaintError('USAGE', `MAINT_FAULT has a part that means nothing: "${word.trim()}"`, {
      hint: `Write a check and ${VERDICTS.join(', ')}, such as MAINT_FAULT=sequences=fail, or unset it.`,
    });
  });
}

/** @returns how a step of this title is made to end; undefined where no fault names it */
export function forcedEnding(faults: readonly Fault[], title: string): Ending | undefined {
  const fault = faults.find(({ step }) => step === slugOf(title));
  if (fault === undefined) return undefined;
  return {
    verdict: fault.verdict,
    summary: `a drill: MAINT_FAULT forces "${title}" to ${fault.verdict}; nothing was looked at`,
    remediation: ['unset MAINT_FAULT # then the next run tells that it is over'],
    detail: DRILL,
  };
}

/** `disk /var/lib` becomes `disk-var-lib`: no blank or slash needs quoting in a shell. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
}
