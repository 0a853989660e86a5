import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { pidFileStanding, unitStanding, type UnitStanding } from '../adapters/process-standing.ts';
import { DAY_MS, plural } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import { ALERT_CLASSES } from '../engine/concern.ts';
import { defineCheck, type Around } from './check.ts';
import { hasOwnNames } from './reach.ts';

const shared = {
  alertClass: z
    .enum(ALERT_CLASSES)
    .optional()
    .describe('How urgent its failure is, where it is not as urgent as usual for this check'),
};

const unitSettings = z.strictObject({
  unit: z
    .string()
    .regex(/^[\w@.:\\][\w@.:\\-]*$/, 'write the name of a unit, such as app.service')
    .describe('A unit of systemd, such as app.service'),
  warnRestarts: z.int().min(1).default(3).describe('Warn when systemd restarted it so many times within a day'),
  ...shared,
});
const pidFileSettings = z.strictObject({
  pidFile: z
    .string()
    .refine(isAbsolute, 'write an absolute path')
    .describe('A file with the process id of a service, such as /run/app.pid'),
  ...shared,
});
const processSettings = z.union([unitSettings, pidFileSettings]);
type ProcessSettings = z.infer<typeof processSettings>;

function processName(settings: ProcessSettings): string {
  return 'unit' in settings ? settings.unit : settings.pidFile;
}

/** Services that must run on this host. */
export const processCheck = defineCheck({
  id: 'process',
  dimension: 'service',
  alertClass: 'page',
  impact: 'the service does not do its work, whatever it is',
  measures: 'whether a unit of systemd, or the process of a pid file, is there; restarts within a day',
  warns: 'so many restarts within a day as its warnRestarts says, 3 where left out',
  fails: 'the unit is not active, or the process not there',
  settings: {
    processes: z
      .array(processSettings)
      .refine(hasOwnNames(processName), 'the same one is named twice')
      .prefault([])
      .describe('Services that must run on this host: each a `unit` of systemd or a `pidFile`'),
  },
  questions: ({ processes }) =>
    processes.map((settings) => ({
      title: `process ${processName(settings)}`,
      alertClass: settings.alertClass,
      look: (around) => checkProcess(settings, around),
    })),
});

type Looking = Pick<Around, 'signal' | 'history' | 'now'>;

/**
 * Asks systemd, or looks into a pid file.
 * @param systemctl the program to ask
 * @throws MaintError PROGRAM_MISSING, FILE_UNUSABLE: that says nothing about the service
 */
export async function checkProcess(settings: ProcessSettings, around: Looking, systemctl?: string): Promise<Outcome> {
  if ('pidFile' in settings) return checkPidFile(settings.pidFile);
  const { unit, warnRestarts } = settings;
  const standing = await unitStanding(unit, around.signal, systemctl);
  const since = new Date(around.now().getTime() - DAY_MS);
  const before = around.history.samples(RESTARTS, unit, since).map(({ value }) => value);
  // The count begins anew when someone restarts the unit, and with every boot.
  const least = Math.min(standing.restarts, ...before);
  return judgeUnit({ unit, standing, recent: standing.restarts - least, warnRestarts });
}

const RESTARTS = 'process.restarts';

interface UnitReading {
  readonly unit: string;
  readonly standing: UnitStanding;
  /** Restarts within a day. */
  readonly recent: number;
  readonly warnRestarts: number;
}

function judgeUnit({ unit, standing, recent, warnRestarts }: UnitReading): Outcome {
  const { loaded, active, sub, result, restarts } = standing;
  const extras: Parameters<typeof done>[1] = {
    facts: { unit, loaded, active, sub, result, restarts, recent },
    samples: [{ name: RESTARTS, subject: unit, value: restarts, unit: 'count' }],
  };
  const look = [`systemctl status '${unit}'`, `journalctl -u '${unit}' --since '1 hour ago'`];
  if (loaded === 'not-found')
    return fail('there is no such unit', [`systemctl list-units --all '*${unit.split('.')[0] ?? ''}*'`], extras);
  if (active !== 'active') {
    const how = result === 'success' ? '' : `, the last process ended with ${result}`;
    return fail(`${active} (${sub})${how}`, [...look, `sudo systemctl restart '${unit}'`], extras);
  }
  if (recent >= warnRestarts)
    return warn(`${sub}, but restarted ${plural(recent, 'time')} within a day`, [...look, LEAK], extras);
  return done(sub, extras);
}

const LEAK = 'Find out what ends it: an exit code, a signal, or want of memory (journalctl -k).';

async function checkPidFile(pidFile: string): Promise<Outcome> {
  const standing = await pidFileStanding(pidFile);
  const remedy = [
    `ps -p "$(cat '${pidFile}')" -o pid,etime,args`,
    'Start the service, and look into its log for why it ended.',
  ];
  if (standing === undefined) return fail('not running: there is no pid file', remedy, { facts: { pidFile } });
  const { pid, isAlive } = standing;
  if (!isAlive) return fail(`not running: process ${pid} is gone`, remedy, { facts: { pidFile, pid } });
  return done(`running as process ${pid}`, { facts: { pidFile, pid } });
}
