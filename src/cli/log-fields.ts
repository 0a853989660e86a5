import type { Json } from '../base/json.ts';
import { redacted } from '../base/printable.ts';
import { Secret } from '../base/secret.ts';

/** Deeper than this nothing is worth reading in a log. */
const DEEPEST = 6;

/**
 * Fields for the log as plain data: secrets stay hidden, texts lose their passwords, an error keeps what explains it (and
 * not the connection that a driver hangs on it), and what cannot be written is named instead.
 */
export function cleanFields(fields: object): Record<string, Json> {
  return cleanEntries(fields, 1);
}

/** Whatever stands below such a name is nobody's business. */
const SECRET_NAME = /passw|passphrase|secret|token|credential|authorization|api-?key/i;

function cleanEntries(fields: object, depth: number): Record<string, Json> {
  const entries = Object.entries(fields).map(([key, value]: [string, unknown]) => {
    const isSecret = SECRET_NAME.test(key) && value !== undefined && value !== null;
    return [key, isSecret ? '[secret]' : clean(value, depth)] as const;
  });
  return Object.fromEntries(entries);
}

function clean(value: unknown, depth: number): Json {
  if (typeof value === 'string') return redacted(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return typeof value === 'bigint' ? value.toString() : typeof value;
  if (value instanceof Secret) return value.toJSON();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  if (depth > DEEPEST) return '…';
  if (value instanceof Error) return cleanError(value, depth);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map((each) => clean(each, depth + 1));
  return cleanEntries(value, depth + 1);
}

function cleanError(error: Error, depth: number): Json {
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: redacted(error.message),
    stack: redacted(error.stack ?? ''),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(error.cause !== undefined && { cause: clean(error.cause, depth + 1) }),
  };
}
