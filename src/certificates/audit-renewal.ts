import { unitStanding, type UnitStanding } from '../adapters/process-standing.ts';
import { cronTexts, type CronText } from '../adapters/scheduled-text.ts';
import { MaintError } from '../base/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { outcomeOf, type Finding } from './finding.ts';
import type { RenewalClient } from './renewal-clients.ts';

/** The host that is looked at. */
interface Machine {
  /** `/`, or where a test has put such a tree. */
  readonly root: string;
  /** The program that asks systemd. */
  readonly systemctl: string;
  readonly signal: AbortSignal;
}

interface Unit extends UnitStanding {
  readonly name: string;
}

/**
 * Does something start the program that renews certificates, and how did it end the last time? What nobody starts renews
 * nothing, and shows weeks later, when the first certificate is over.
 */
export async function auditRenewal(client: RenewalClient, machine: Machine): Promise<Outcome> {
  const units = await unitsOf(client.units, machine);
  const hasSystemd = units !== undefined;
  const unit = (units ?? []).toSorted((a, b) => Number(b.active === 'active') - Number(a.active === 'active'))[0];
  const cron = (await cronTexts(machine.root)).find((text) => startsIt(text, client, hasSystemd));
  const worker = unit?.name.endsWith('.timer') ? unit.name.replace(/\.timer$/, '.service') : undefined;
  const [last] = worker === undefined ? [] : ((await unitsOf([worker], machine)) ?? []);
  return outcomeOf({
    findings: cron === undefined ? judgeUnit(client, unit, last) : [],
    allWell: `${client.name} is started by ${cron?.path ?? unit?.name ?? ''}`,
    look: [client.rehearse],
    facts: {
      client: client.name,
      unit: unit === undefined ? null : { ...unit },
      lastResult: last?.result ?? null,
      cron: cron?.path ?? null,
    },
    samples: [],
  });
}

/** Those that there are; undefined where there is no systemd, and cron has to do it. */
async function unitsOf(names: readonly string[], { systemctl, signal }: Machine): Promise<readonly Unit[] | undefined> {
  try {
    const all = await Promise.all(
      names.map(async (name) => ({ name, ...(await unitStanding(name, signal, systemctl)) })),
    );
    return all.filter(({ loaded }) => loaded !== 'not-found');
  } catch (error) {
    if (error instanceof MaintError && error.code === 'PROGRAM_MISSING') return undefined;
    throw error;
  }
}

/** Debian's line for certbot does nothing where systemd is: it leaves the work to the timer. */
function startsIt({ line }: CronText, { cronLine }: RenewalClient, hasSystemd: boolean): boolean {
  return cronLine?.test(line) === true && !(hasSystemd && line.includes('/run/systemd/system'));
}

function judgeUnit(client: RenewalClient, unit: Unit | undefined, last: Unit | undefined): readonly Finding[] {
  if (unit === undefined)
    return [
      stopped(
        client,
        client.cronLine !== undefined
          ? `neither cron nor a timer starts ${client.name}`
          : `${client.name} does not run`,
      ),
    ];
  if (unit.active !== 'active')
    return [
      stopped(
        client,
        `${unit.name} is ${unit.active}${unit.enabled === 'enabled' ? '' : ` and ${unit.enabled}`}`,
        unit,
      ),
    ];
  const findings: Finding[] = [];
  if (unit.enabled === 'disabled')
    findings.push({
      grade: 'warn',
      detail: 'renewal.disabled',
      message: `${unit.name} runs, but is disabled: after the next boot nothing renews certificates`,
      remedy: [`sudo systemctl enable ${unit.name}`],
    });
  if (last !== undefined && last.result !== 'success')
    findings.push({
      grade: 'warn',
      detail: 'renewal.failed',
      message: `the last renewal by ${client.name} ended with ${last.result}`,
      remedy: [`journalctl -u ${last.name} -n 50`],
    });
  return findings;
}

function stopped({ name, enable }: RenewalClient, why: string, unit?: Unit): Finding {
  return {
    grade: 'fail',
    detail: 'renewal.stopped',
    message: `nothing renews the certificates of ${name}: ${why}`,
    remedy: [unit === undefined ? enable : `sudo systemctl enable --now ${unit.name}`],
  };
}
