import { isProcessAlive } from './host.ts';
import { readIfThere } from './files.ts';
import { MaintError } from '../base/errors.ts';
import { runProgramToEnd } from './programs.ts';

/** What systemd knows of a unit. */
export interface UnitStanding {
  /** `loaded`, `not-found`, `masked`. */
  readonly loaded: string;
  /** `active`, `failed`, `inactive`, `activating`. */
  readonly active: string;
  /** `running`, `dead`, `auto-restart`. */
  readonly sub: string;
  /** Whether it starts by itself: `enabled`, `disabled`, `static`. */
  readonly enabled: string;
  /** How the last process ended: `success`, `exit-code`, `oom-kill`. */
  readonly result: string;
  /** How often systemd has restarted it by itself. */
  readonly restarts: number;
}

const SYSTEMCTL_TIMEOUT_MS = 10_000;

/**
 * Asks systemd for a unit.
 * @param program `systemctl`, or a path to it
 * @throws MaintError PROGRAM_MISSING where there is no systemd or it does not answer, TIMED_OUT
 * @see https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 */
export async function unitStanding(unit: string, signal: AbortSignal, program = 'systemctl'): Promise<UnitStanding> {
  const properties = 'LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts';
  const args = ['show', `--property=${properties}`, '--', unit];
  const { stdout, stderr, exitCode } = await runProgramToEnd({
    file: program,
    args,
    timeoutMs: SYSTEMCTL_TIMEOUT_MS,
    signal,
  });
  // It answers for every unit, also for one that is not there: anything else means that systemd itself is not.
  if (exitCode !== 0)
    throw new MaintError('PROGRAM_MISSING', `systemd does not answer: ${stderr.split('\n', 1)[0] ?? ''}`, {
      hint: 'Name a pidFile instead where services are started by something else than systemd.',
    });
  const values = new Map(stdout.split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.replace(/^[^=]*=/, '')]));
  return {
    loaded: values.get('LoadState') ?? 'unknown',
    active: values.get('ActiveState') ?? 'unknown',
    sub: values.get('SubState') ?? 'unknown',
    enabled: values.get('UnitFileState') ?? 'unknown',
    result: values.get('Result') ?? 'unknown',
    restarts: Number(values.get('NRestarts') ?? 0),
  };
}

/**
 * Looks whether the process of a pid file is there.
 * @returns its pid and whether it lives; undefined where there is no such file
 * @throws MaintError FILE_UNUSABLE when the file cannot be read or holds no pid
 */
export async function pidFileStanding(
  path: string,
): Promise<{ readonly pid: number; readonly isAlive: boolean } | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const pid = Number(text.trim().split('\n', 1)[0]);
  if (!Number.isInteger(pid) || pid <= 0) throw new MaintError('FILE_UNUSABLE', `${path} holds no process id`);
  return { pid, isAlive: isProcessAlive(pid) };
}
