import { MaintError } from '../../base/errors.ts';

/** Whether the alarm came that a fault has to raise. */
export interface FaultResult {
  readonly fault: string;
  /** The dotted name, or the code, that the alarm must carry. */
  readonly expected: string;
  readonly status: 'raised' | 'missed' | 'skipped';
  /** Every name that was raised; what kept a skipped one from being tried. */
  readonly said: readonly string[];
}

/** A fault that is about to be tried. */
interface Expectation {
  readonly fault: string;
  readonly expected: string;
}

/** Tries a fault and compares the alarms. A fault that could not be injected is skipped, and says why. */
export async function expectAlarm(
  { fault, expected }: Expectation,
  work: () => Promise<readonly string[]>,
): Promise<FaultResult> {
  try {
    const said = await work();
    return { fault, expected, status: said.includes(expected) ? 'raised' : 'missed', said };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return skipped({ fault, expected }, error.message);
  }
}

/** A fault that cannot be tried on this host. */
export function skipped({ fault, expected }: Expectation, why: string): FaultResult {
  return { fault, expected, status: 'skipped', said: [why] };
}
