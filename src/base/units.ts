import { MaintError } from './errors.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Milliseconds of one day. */
export const DAY_MS = 24 * HOUR_MS;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  sec: SECOND_MS,
  second: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  h: HOUR_MS,
  hour: HOUR_MS,
  d: DAY_MS,
  day: DAY_MS,
  w: 7 * DAY_MS,
  week: 7 * DAY_MS,
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
};

const QUANTITY = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/;

/**
 * Reads a duration as people write it: `30s`, `26 h`, `7 days`, `1.5 hours`.
 * @returns milliseconds, a positive whole number
 * @throws MaintError USAGE when the text is no duration
 */
export function parseDuration(text: string): number {
  const ms = quantity(text, DURATION_UNITS, true);
  if (ms === undefined)
    throw new MaintError('USAGE', `"${text}" is not a duration`, {
      hint: 'Write a number and a unit, such as 30s, 15 min, 26h or 7 days.',
    });
  return ms;
}

/**
 * Reads a size as people write it, in powers of 1,024 as PostgreSQL does: `64 MB`, `1.5GB`.
 * @returns bytes, a positive whole number
 * @throws MaintError USAGE when the text is no size
 */
export function parseSize(text: string): number {
  const bytes = quantity(text, SIZE_UNITS, false);
  if (bytes === undefined)
    throw new MaintError('USAGE', `"${text}" is not a size`, {
      hint: 'Write a number and a unit, such as 64 MB or 1.5 GB.',
    });
  return bytes;
}

function quantity(text: string, units: Readonly<Record<string, number>>, plural: boolean): number | undefined {
  const [, number, word = ''] = QUANTITY.exec(text.trim().toLowerCase()) ?? [];
  const factor = units[word] ?? (plural ? units[word.replace(/s$/, '')] : undefined);
  if (number === undefined || factor === undefined) return undefined;
  const value = Math.round(Number(number) * factor);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** Writes milliseconds for people: `850 ms`, `41.2 s`, `3 min 20 s`, `2 h 5 min`, `12 days`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS - 500) return twoParts(ms / SECOND_MS, 'min', 's');
  if (ms < 2 * DAY_MS) return twoParts(ms / MINUTE_MS, 'h', 'min');
  return `${Math.round(ms / DAY_MS)} days`;
}

/** Sixty of the small make one of the large. */
function twoParts(small: number, largeName: string, smallName: string): string {
  const smalls = Math.round(small);
  const head = `${Math.floor(smalls / 60)} ${largeName}`;
  return smalls % 60 === 0 ? head : `${head} ${smalls % 60} ${smallName}`;
}

/** Writes bytes for people, in powers of 1,024: `412 MB`, `1.3 GB`. */
export function formatBytes(bytes: number): string {
  const names = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let index = 0;
  while (Math.abs(value) >= 1_023.5 && index < names.length - 1) {
    value /= 1_024;
    index += 1;
  }
  const digits = index > 0 && Math.abs(value) < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${names[index]}`;
}

/** Writes a count for people: `1,234,567`. */
export function formatCount(count: number | bigint): string {
  // By hand: the first number that Intl writes costs the start of a program 20 ms.
  const [whole = '', fraction] = String(typeof count === 'bigint' ? count : Math.round(count * 1_000) / 1_000).split(
    '.',
  );
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Writes a share from 0 to 1 as `81 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Puts number and noun together: `1 table`, `3 tables`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}
