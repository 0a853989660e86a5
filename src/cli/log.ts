import { multistream, pino, type Logger } from 'pino';
import { openLogFile, type LogFile } from '../adapters/log-file.ts';
import { MaintError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { printable, redacted } from '../base/printable.ts';
import type { Sink } from '../base/world.ts';
import type { LogLevel } from '../config/config.ts';
import { cleanFields } from './log-fields.ts';
import { limitRepeats } from './log-repeats.ts';

/** Where the diary goes. */
export interface LogRequest {
  /** The state directory; no file is written where it is undefined. */
  readonly directory: string | undefined;
  readonly stderr: Sink;
  /** Show every line on stderr, not just warnings and errors. */
  readonly verbose: boolean;
  /** The least important lines that the file keeps. */
  readonly level: LogLevel;
  /** On each line: the run, the version. */
  readonly fields: object;
  now(): Date;
}

/** The diary of one run. */
export interface Diary extends Disposable {
  readonly log: Log;
  /** What is wrong with the diary itself, for the report. */
  notices(): readonly string[];
}

/** Opens the diary. A directory that cannot be written is a notice and never stops the work. */
export function openLog(request: LogRequest): Diary {
  const { file, problem } = openFile(request.directory);
  const readable = { write: (line: string) => request.stderr.write(readableLine(line)) };
  const repeats =
    file === undefined
      ? undefined
      : limitRepeats(
          (line) => file.write(line),
          () => request.now(),
        );
  const streams = [
    { level: request.verbose ? ('debug' as const) : ('warn' as const), stream: readable },
    ...(repeats === undefined ? [] : [{ level: request.level, stream: repeats }]),
  ];
  const settings = {
    level: request.verbose || request.level === 'trace' ? 'trace' : 'debug',
    base: cleanFields(request.fields),
    timestamp: () => `,"time":"${request.now().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    // cleanFields has put errors into words already; pino would do it once more.
    serializers: { err: (error: unknown) => error },
  };
  const diary = adapted(pino(settings, multistream(streams)));
  return {
    log: diary,
    notices: () => {
      const current = problem ?? file?.problem();
      return current === undefined ? [] : [current.message];
    },
    [Symbol.dispose]: () => {
      repeats?.flush();
      file?.[Symbol.dispose]();
    },
  };
}

interface OpenedFile {
  readonly file?: LogFile;
  readonly problem?: MaintError;
}

function openFile(directory: string | undefined): OpenedFile {
  if (directory === undefined) return {};
  try {
    return { file: openLogFile({ directory }) };
  } catch (error) {
    if (error instanceof MaintError && error.code === 'FILE_UNUSABLE') return { problem: error };
    throw error;
  }
}

/** Everything that enters the diary goes through here, and leaves its passwords behind. */
function adapted(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(cleanFields(fields), redacted(message)),
    info: (fields, message) => logger.info(cleanFields(fields), redacted(message)),
    warn: (fields, message) => logger.warn(cleanFields(fields), redacted(message)),
    error: (fields, message) => logger.error(cleanFields(fields), redacted(message)),
    child: (fields) => adapted(logger.child(cleanFields(fields))),
  };
}

/** Not told on stderr: what is the same on each line. */
const CONSTANT = new Set(['level', 'time', 'msg', 'run', 'maint']);

/** `02:00:07 warn  step crashed  task=backup code=PROGRAM_FAILED` of a line of JSON. */
function readableLine(line: string): string {
  const fields: unknown = JSON.parse(line);
  const entries = typeof fields === 'object' && fields !== null ? Object.entries(fields) : [];
  const field = (name: string): string => String(entries.find(([key]) => key === name)?.[1] ?? '');
  const rest = entries.filter(([key]) => !CONSTANT.has(key)).map(([key, value]) => `${key}=${shown(value)}`);
  const parts = [field('time').slice(11, 19), field('level').padEnd(5), field('msg'), rest.join(' ')];
  return `${printable(parts.join(' ').trimEnd())}\n`;
}

/** An error says its message here; its stack is in the file. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}
