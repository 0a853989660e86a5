import type { Log } from '../../src/base/log.ts';

/** A diary that nobody keeps. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
