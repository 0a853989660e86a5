import { recordOf, type ChannelRecord } from '../../alerts/channel-record.ts';
import type { ScheduleText } from '../../adapters/schedules.ts';
import { DAY_MS, plural } from '../../base/units.ts';
import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('channels');

/** What the answer rests on. */
interface Evidence {
  readonly config: Pick<Config, 'alerts' | 'heartbeatUrl' | 'deadMan' | 'textfile'>;
  readonly records: readonly ChannelRecord[];
  /** What cron and systemd start on this machine. */
  readonly schedules: readonly ScheduleText[];
  /** The hosts of the project that the database has heard of lately. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

/** One way to find out that nobody would hear of a problem. */
interface Watch {
  readonly name: string;
  readonly isOn: boolean;
  /** How to switch it on. */
  readonly how: string;
}

/** Two ways that fail for different reasons; one alone fails with what it watches. */
const ENOUGH = 2;

/** How would anybody notice that alerting itself is broken? */
export function checkAlive(evidence: Evidence): Check {
  const watches = watchesOf(evidence);
  const on = watches.filter(({ isOn }) => isOn);
  const off = watches.filter(({ isOn }) => !isOn);
  const count = `${plural(on.length, 'watch', 'watches')} over alerting itself`;
  const names = on.length === 0 ? '' : `: ${on.map(({ name }) => name).join(', ')}`;
  const missing = off.length === 0 ? '' : `; off: ${off.map(({ name }) => name).join(', ')}`;
  const summary = `${count}${names}${missing}`;
  if (on.length >= ENOUGH) return ok('watch over alerts', summary);
  return warn('watch over alerts', summary, [
    'At least two are needed, for each fails in its own way:',
    ...off.map(({ how }) => how),
  ]);
}

function watchesOf({ config, records, schedules, hosts, now }: Evidence): readonly Watch[] {
  const { alerts, heartbeatUrl, deadMan, textfile } = config;
  const { enabled, every, except } = alerts.canary;
  const tried = alerts.channels.filter(({ name }) => !except.includes(name));
  const isTested = tried.every(({ name }) => isWithin(recordOf(records, name).verifiedAt, every + DAY_MS, now));
  return [
    {
      name: "dead man's switch",
      isOn: heartbeatUrl !== undefined || deadMan.length > 0,
      how: 'Make a check at Healthchecks.io or its kin, and add: heartbeat: { url: "${HEARTBEAT_URL}" }',
    },
    {
      name: 'regular test of every channel',
      isOn: tried.length > 0 && (isTested || (enabled && isStarted(schedules, /\btick\b/))),
      how: 'Let cron start maint tick (maint cron install), which tests each channel once a week; or run maint alerts test.',
    },
    {
      name: 'another host',
      isOn: hosts.length > 1,
      how: 'Let a second host of the same database run maint tick: each one notices when the other falls silent.',
    },
    {
      name: 'rules for Prometheus',
      isOn: textfile !== undefined || isStarted(schedules, /--format[= ]prometheus\b|--textfile\b/),
      how: 'Where there is Prometheus: set textfile to a file of node_exporter, and load what maint alerts rules prints.',
    },
  ];
}

function isWithin(at: string | null, ms: number, now: Date): boolean {
  return at !== null && now.getTime() - Date.parse(at) <= ms;
}

function isStarted(schedules: readonly ScheduleText[], words: RegExp): boolean {
  const lines = schedules.flatMap(({ text }) => text.split('\n')).filter((line) => !/^\s*[#;]/.test(line));
  return lines.some((line) => /\bmaint(?:\.js)?\b/.test(line) && words.test(line));
}
