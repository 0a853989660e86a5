import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { runProgram } from './programs.ts';

const COMMAND_TIMEOUT_MS = 30_000;

/**
 * A setting that becomes a `Secret`: text (in which the configuration has already filled in `${NAME}` from the
 * environment), `{ file: path }` (first line of the file), or `{ command: [program, …] }` (first line it prints).
 * It reads files and runs programs, so parse with `parseAsync`.
 */
export const secretSetting = settingOf(firstLine, 'A file whose first line is the secret');

/** As `secretSetting`, for secrets of several lines, such as a file of keys: all that is read is the secret. */
export const secretTextSetting = settingOf(wholeText, 'A file that holds nothing but the secret');

/** Does a secret look so? It is looked at here, and shown nowhere. */
export function hasForm(secret: Secret, pattern: RegExp): boolean {
  return pattern.test(secret.reveal());
}

/** Takes the secret out of what a file or a command gave. */
type Extract = (text: string, origin: string) => string;

function settingOf(extract: Extract, ofFile: string) {
  return z
    .union([
      z.string().min(1),
      z.strictObject({ file: z.string().min(1).describe(ofFile) }),
      z.strictObject({
        command: z.array(z.string()).min(1).describe('A program and its arguments, which print the secret'),
      }),
    ])
    .transform(async (source, context) => {
      try {
        return new Secret(await resolve(source, extract));
      } catch (error) {
        context.addIssue({ code: 'custom', message: messageOf(error), params: { code: 'SECRET_UNAVAILABLE' } });
        return z.NEVER;
      }
    });
}

type Source = string | { readonly file: string } | { readonly command: readonly string[] };

async function resolve(source: Source, extract: Extract): Promise<string> {
  if (typeof source === 'string') return source;
  if ('file' in source) return extract(await readFile(source.file, 'utf8'), `the file ${source.file}`);
  const [file = '', ...args] = source.command;
  const { stdout } = await runProgram({ file, args, timeoutMs: COMMAND_TIMEOUT_MS, kind: 'trusted' });
  return extract(stdout, `the command ${file}`);
}

function firstLine(text: string, origin: string): string {
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  if (line === '') throw new MaintError('SECRET_UNAVAILABLE', `${origin} gave an empty secret`);
  return line;
}

function wholeText(text: string, origin: string): string {
  if (text.trim() === '') throw new MaintError('SECRET_UNAVAILABLE', `${origin} gave an empty secret`);
  return text;
}

function messageOf(error: unknown): string {
  return `the secret cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
