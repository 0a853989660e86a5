import type { StopSignal } from '../base/world.ts';
import type { RunReport } from '../engine/report.ts';
import type { FailOn } from './invocation.ts';

/** Every exit code of maint and when it is used; help and docs print this table. */
export const EXIT_CODES: readonly { readonly code: string; readonly when: string }[] = [
  { code: '0', when: 'every step is done, skipped or warned (--fail-on warn makes warnings 1)' },
  { code: '1', when: 'a step failed, or an alert could not be delivered anywhere' },
  { code: '2', when: 'command line or configuration wrong; nothing was touched' },
  { code: '3', when: 'another run holds the lock, or this slot is already done; nothing was touched (0 with --cron)' },
  { code: '4', when: 'nothing found wrong, but something could not be found out' },
  { code: '128+n', when: 'stopped by signal n; what was finished is in the report' },
];

/** @see https://man7.org/linux/man-pages/man7/signal.7.html */
const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Exit code of a bug in maint: whatever was asked for, it was not found out. */
export const BUG_EXIT_CODE = 4;

/** What a shell says of a program that a signal ended. */
export function signalExitCode(signal: StopSignal): number {
  return 128 + SIGNAL_NUMBERS[signal];
}

/** The exit code of a run that came to its report. A signal outranks all, and 1 outranks 4. */
export function exitCodeOf(report: RunReport, failOn: FailOn): number {
  if (report.stoppedBy !== null) return signalExitCode(report.stoppedBy);
  if (report.verdict === 'fail' || (report.alerts?.undelivered ?? 0) > 0) return 1;
  if (report.verdict === 'crash') return BUG_EXIT_CODE;
  // Without a signal, steps stay undone only where the run lost its lease to another host.
  if (report.verdict === 'not-run' && !report.dryRun) return 1;
  return report.verdict === 'warn' && failOn === 'warn' ? 1 : 0;
}
