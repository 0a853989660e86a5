import { basename } from 'node:path';
import { MaintError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { formatDuration } from '../base/units.ts';
import { describeEnd, startPipeline, type StageEnd } from './pipeline.ts';

/** One command of a store. */
export interface Command {
  /** What it is for, as messages say it: `list app`. */
  readonly purpose: string;
  /** Program and arguments, all filled in. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, Secret>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What the limit is for: all of it, or each time that it prints nothing. */
  readonly limits: 'whole' | 'silence';
}

/** A command that ended with anything but 0, or by a signal; what that means is for its caller to say. */
export class BadEnd extends Error {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** How it ended and what it said, secrets taken out, without control characters. */
  readonly said: string;
  readonly purpose: string;

  constructor(end: StageEnd, { purpose, env }: Command) {
    const said = Object.values(env).reduce((text, secret) => secret.maskIn(text), describeEnd(end));
    super(`${purpose}: ${said}`);
    this.exitCode = end.exitCode;
    this.said = said;
    this.purpose = purpose;
  }
}

/** What a listing may take. */
const TEXT_LIMIT_BYTES = 64 * 2 ** 20;
const PLACEHOLDER = /\{(file|path|folder|prefix|from|to)\}/g;
/** What a program says when it was heard and turned away. */
const REFUSAL =
  /denied|forbidden|unauthori[sz]ed|not authori[sz]ed|authentication|permission|invalid ?(access|key|token|credential)|signature|quota|no space left|read-only|\b40[13]\b/i;

/** Fills names in braces into a command; what was filled in is not looked at again. */
export function filledIn(argv: readonly string[], values: Readonly<Record<string, string>>): readonly string[] {
  return argv.map((word) => word.replaceAll(PLACEHOLDER, (whole, name: string) => values[name] ?? whole));
}

/**
 * Runs a command and hands on what it prints.
 * @throws BadEnd; MaintError PROGRAM_MISSING, STORE_UNREACHABLE when it takes too long; the signal's reason
 */
export async function* printedBy(command: Command): AsyncGenerator<Buffer> {
  const { argv, env, timeoutMs } = command;
  const [file = '', ...args] = argv;
  const limit = new AbortController();
  const arm = (): NodeJS.Timeout => setTimeout(() => limit.abort(tooLong(command)), timeoutMs);
  const signal = AbortSignal.any([command.signal, limit.signal]);
  let timer = arm();
  try {
    await using pipeline = await startPipeline({
      stages: [{ name: basename(file), file, args, env, kind: 'configured' }],
      input: 'none',
      signal,
    });
    for await (const piece of pipeline.output) {
      if (command.limits === 'silence') clearTimeout(timer);
      yield Buffer.from(piece);
      if (command.limits === 'silence') timer = arm();
    }
    const [end] = await pipeline.ended;
    signal.throwIfAborted();
    if (end !== undefined && end.exitCode !== 0) throw new BadEnd(end, command);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a command that prints little.
 * @returns what it printed, read as UTF-8
 * @throws as `printedBy`; MaintError STORE_REFUSED when it prints without end
 */
export async function runCommand(command: Command): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of printedBy(command)) {
    pieces.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes > TEXT_LIMIT_BYTES) throw new MaintError('STORE_REFUSED', `${command.purpose}: it prints too much`);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** What a bad end means where nothing else explains it. */
export function translatedEnd(error: unknown): unknown {
  if (!(error instanceof BadEnd)) return error;
  const isRefused = REFUSAL.test(error.said);
  const cause = new Error(error.said);
  if (isRefused) return new MaintError('STORE_REFUSED', error.message, { cause });
  return new MaintError('STORE_UNREACHABLE', error.message, {
    cause,
    hint: 'Run the command by hand, as the user that runs maint, to see what is wrong.',
  });
}

function tooLong({ purpose, limits, timeoutMs }: Command): MaintError {
  const limit = formatDuration(timeoutMs);
  const what = limits === 'silence' ? `nothing came for ${limit}` : `it did not end within ${limit}`;
  return new MaintError('STORE_UNREACHABLE', `${purpose}: ${what}`, {
    hint: 'Raise timeout or putTimeout of the copy under backups.copies, or find out what holds the command up.',
  });
}
