/** What a clock on the wall shows. Months and days count from 1, weekdays from Sunday as 0. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** A moment at which the clocks of a time zone jump. */
export interface Transition {
  readonly at: Date;
  /** `gap`: these wall times are left out. `overlap`: they come twice. */
  readonly kind: 'gap' | 'overlap';
  /** First wall time that is left out or repeated. */
  readonly from: WallTime;
  readonly minutes: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const numeric = 'numeric' as const;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
  formats.set(zone, format);
  return format;
}

/** By how many minutes the clocks of a zone are ahead of UTC at an instant. */
export function offsetMinutes(instant: Date, zone: string): number {
  const part = new Map(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const get = (name: Intl.DateTimeFormatPartTypes): number => part.get(name) ?? 0;
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return Math.round((wall - Math.floor(instant.getTime() / 1_000) * 1_000) / MINUTE_MS);
}

/** What the clocks of a zone show at an instant. */
export function wallTime(instant: Date, zone: string): WallTime {
  return wallOf(instant.getTime() + offsetMinutes(instant, zone) * MINUTE_MS);
}

function wallOf(shiftedMs: number): WallTime {
  const date = new Date(shiftedMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}

/**
 * The instant at which the clocks of a zone show a time; the first of two, and the end of a gap for one inside it.
 * @param text `2026-03-29` or `2026-03-29T02:30`
 */
export function instantOf(text: string, zone: string): Date {
  const wanted = Date.parse(`${text.length === 10 ? `${text}T00:00` : text}Z`);
  const offsets = [-DAY_MS, DAY_MS].map((shift) => offsetMinutes(new Date(wanted + shift), zone));
  const candidates = offsets.map((offset) => wanted - offset * MINUTE_MS).toSorted((a, b) => a - b);
  const exact = candidates.find((at) => at + offsetMinutes(new Date(at), zone) * MINUTE_MS === wanted);
  return new Date(exact ?? candidates[0] ?? wanted);
}

/** Every jump of the clocks of a zone between two instants. */
export function transitions(zone: string, from: Date, to: Date): readonly Transition[] {
  const found: Transition[] = [];
  for (let start = from.getTime(); start < to.getTime(); start += DAY_MS) {
    const end = Math.min(start + DAY_MS, to.getTime());
    const [before, after] = [offsetMinutes(new Date(start), zone), offsetMinutes(new Date(end), zone)];
    if (before !== after) found.push(between(zone, { start, end, before, after }));
  }
  return found;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly after: number;
}

function between(zone: string, { start, end, before, after }: Span): Transition {
  let [low, high] = [start, end];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
    if (offsetMinutes(new Date(middle), zone) === before) low = middle;
    else high = middle;
  }
  const at = Math.floor(high / MINUTE_MS) * MINUTE_MS;
  const kind = after > before ? 'gap' : 'overlap';
  const from = wallOf(at + Math.min(before, after) * MINUTE_MS);
  return { at: new Date(at), kind, from, minutes: Math.abs(after - before) };
}

/** The wall times that a jump leaves out or repeats, one for each minute. */
export function wallMinutes({ from, minutes }: Transition): readonly WallTime[] {
  const start = Date.UTC(from.year, from.month - 1, from.day, from.hour, from.minute);
  return Array.from({ length: minutes }, (_, index) => wallOf(start + index * MINUTE_MS));
}

/** Two digits for hours and minutes. */
export function clock({ hour, minute }: Pick<WallTime, 'hour' | 'minute'>): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/** `2026-03-29`. */
export function calendar({ year, month, day }: Pick<WallTime, 'year' | 'month' | 'day'>): string {
  return [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}

/** `+02:00`. */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${clock({ hour: Math.floor(size / 60), minute: size % 60 })}`;
}
