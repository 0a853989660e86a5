import { Secret } from '../../base/secret.ts';
import { clip, oneLine } from '../text.ts';
import type { DeadManSwitch } from './settings.ts';

/** What a switch hears of a run. */
export interface Pinging {
  /** UUID of the run, the same at start and end, so that the switch can tell how long it took. */
  readonly run: string;
  /** Undefined at the start. */
  readonly end: RunEnd | undefined;
}

/** How a run ended. */
export interface RunEnd {
  /** 0 is good. */
  readonly exitCode: number;
  /** One line about it. */
  readonly summary: string;
  /** The report as text, without secrets. */
  readonly log: string;
  /** How much of the log the switch keeps. */
  readonly bodyLimitBytes: number;
}

/** One request to a switch. */
export interface Ping {
  readonly method: 'GET' | 'POST';
  readonly url: Secret;
  readonly path?: readonly (string | Secret)[];
  readonly suffix?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const MESSAGE_LIMIT = 250;

/** What to send to a switch; undefined where it wants to hear nothing of this moment. Pure. */
export function pingOf(listener: DeadManSwitch, pinging: Pinging): Ping | undefined {
  switch (listener.type) {
    case 'healthchecks':
      return healthchecksPing(listener, pinging);
    case 'uptime-kuma':
      return kumaPing(listener, pinging);
    case 'cronitor':
      return cronitorPing(listener, pinging);
    case 'urls':
    default:
      return calledUrl(listener, pinging);
  }
}

type Of<Type extends DeadManSwitch['type']> = Extract<DeadManSwitch, { readonly type: Type }>;

/** @see https://healthchecks.io/docs/http_api/ */
function healthchecksPing(listener: Of<'healthchecks'>, { run, end }: Pinging): Ping {
  const { url, base, pingKey, slug, create, log } = listener;
  const suffix = end === undefined ? '/start' : `/${end.exitCode}`;
  const query = { rid: run, ...(create && { create: '1' }) };
  const where =
    url === undefined && pingKey !== undefined && slug !== undefined
      ? { url: new Secret(base), path: [pingKey, slug] }
      : { url: url ?? new Secret(base) };
  if (end === undefined || !log) return { method: 'GET', ...where, suffix, query };
  return { method: 'POST', ...where, suffix, query, body: tailOf(end.log, end.bodyLimitBytes) };
}

/** Knows only whether it was called in time, so the start of a run is nothing to it. */
function kumaPing({ url }: Of<'uptime-kuma'>, { end }: Pinging): Ping | undefined {
  if (end === undefined) return undefined;
  const msg = clip(oneLine(end.summary), MESSAGE_LIMIT);
  return { method: 'GET', url, query: { status: end.exitCode === 0 ? 'up' : 'down', msg: msg === '' ? 'OK' : msg } };
}

/** @see https://cronitor.io/docs/telemetry-api */
function cronitorPing({ base, apiKey, monitor }: Of<'cronitor'>, { run, end }: Pinging): Ping {
  const state = end === undefined ? 'run' : end.exitCode === 0 ? 'complete' : 'fail';
  const ended = end && { msg: clip(oneLine(end.summary), MESSAGE_LIMIT), status_code: String(end.exitCode) };
  return {
    method: 'GET',
    url: new Secret(base),
    path: ['ping', apiKey, monitor],
    query: { state, series: run, ...ended },
  };
}

function calledUrl({ start, success, failure }: Of<'urls'>, { end }: Pinging): Ping | undefined {
  const url = end === undefined ? start : end.exitCode === 0 ? success : failure;
  return url && { method: 'GET', url };
}

/** The last lines that fit into so many bytes of UTF-8. The end of a log says what went wrong. */
export function tailOf(text: string, limitBytes: number): string {
  const lines = text.trimEnd().split('\n');
  const kept: string[] = [];
  let left = limitBytes;
  while (lines.length > 0) {
    const line = lines.pop() ?? '';
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    kept.unshift(line);
  }
  return kept.join('\n');
}
