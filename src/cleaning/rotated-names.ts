import type { Form } from '../adapters/anchored-files.ts';

/** A file that was put aside, as its name tells: `app.log.20261121T020000Z.zst`. */
export interface RotatedName {
  /** Of the log: `app.log`. */
  readonly log: string;
  readonly name: string;
  /** When it was put aside. */
  readonly at: Date;
  readonly form: Form | 'plain';
}

const ENDINGS: Readonly<Record<Form, string>> = { zstd: '.zst', gzip: '.gz' };
const ROTATED = /^(.+)\.(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z(\.zst|\.gz)?$/;
const PARTIAL = /^\.(.+)\.partial$/;

/** The name under which a log is put aside. */
export function rotatedName(log: string, at: Date): string {
  return `${log}.${at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')}`;
}

/** The name of a compressed file. */
export function packedName(name: string, form: Form): string {
  return name + ENDINGS[form];
}

/** The name of a file as long as it is not whole. */
export function partialName(name: string): string {
  return `.${name}.partial`;
}

/** What a name tells about a file that was put aside; undefined where it is none. */
export function readRotated(name: string): RotatedName | undefined {
  const [, log, year, month, day, hour, minute, second, ending] = ROTATED.exec(name) ?? [];
  if (log === undefined) return undefined;
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(at.getTime())) return undefined;
  return { log, name, at, form: ending === '.zst' ? 'zstd' : ending === '.gz' ? 'gzip' : 'plain' };
}

/** The log that a file belongs to which a killed run has not finished; undefined where it is none. */
export function logOfPartial(name: string): string | undefined {
  return readRotated(PARTIAL.exec(name)?.[1] ?? '')?.log;
}
