import { isEitherDay, WEEKDAYS, type CronExpression, type CronField } from './fields.ts';
import type { ScheduledJob, ScheduledProject } from './jobs.ts';

/** The units of a project, one service and one timer for each round, with the path of each as a comment before it. */
export function systemdUnits({ project, timezone, jobs }: ScheduledProject, user: string): string {
  const files = jobs.flatMap((job) => {
    const unit = `maint-${project}-${job.name}`;
    return [
      [`${unit}.service`, serviceText({ project, user, job })] as const,
      [`${unit}.timer`, timerText({ project, timezone, job })] as const,
    ];
  });
  const timers = files.flatMap(([name]) => (name.endsWith('.timer') ? [name] : []));
  return [
    `# Units for /etc/systemd/system. The timers carry their time zone: ${timezone}. Then:`,
    `#   systemctl daemon-reload && systemctl enable --now ${timers.join(' ')}`,
    ...files.flatMap(([name, text]) => ['', `# /etc/systemd/system/${name}`, text]),
    '',
  ].join('\n');
}

function serviceText({ project, user, job }: { project: string; user: string; job: ScheduledJob }): string {
  return [
    '[Unit]',
    `Description=maint ${job.name} of ${project}`,
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `User=${user}`,
    `ExecStart=${job.words.map(quotedForSystemd).join(' ')}`,
  ].join('\n');
}

function timerText({ project, timezone, job }: Omit<ScheduledProject, 'jobs'> & { job: ScheduledJob }): string {
  return [
    '[Unit]',
    `Description=Starts maint ${job.name} of ${project}`,
    '',
    '[Timer]',
    ...calendarEvents(job.expression).map((event) => `OnCalendar=${event} ${timezone}`),
    '# Makes up for a time at which the machine was off.',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ].join('\n');
}

/**
 * A schedule as calendar events of systemd, without a time zone.
 * @returns two where cron takes either day, else one
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events
 */
function calendarEvents(expression: CronExpression): readonly string[] {
  const { minute, hour, day, month, weekday } = expression;
  const time = `${numbers(hour, 24)}:${numbers(minute, 60)}:00`;
  const days = [...weekday.values].toSorted((a, b) => a - b).map((value) => WEEKDAYS[value] ?? '');
  const onWeekdays =
    days.length === 7 ? '' : `${days.map((name) => name[0]?.toUpperCase() + name.slice(1)).join(',')} `;
  const event = (weekdays: string, date: string): string => `${weekdays}*-${numbers(month, 12)}-${date} ${time}`;
  if (isEitherDay(expression)) return [event('', numbers(day, 31)), event(onWeekdays, '*')];
  return [event(onWeekdays, numbers(day, 31))];
}

function numbers({ values }: CronField, count: number): string {
  if (values.size === count) return '*';
  return [...values]
    .toSorted((a, b) => a - b)
    .map((value) => String(value).padStart(2, '0'))
    .join(',');
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines */
function quotedForSystemd(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', () => '$$');
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
