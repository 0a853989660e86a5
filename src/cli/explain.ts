import { MaintError } from '../base/errors.ts';
import { printableLines, redacted } from '../base/printable.ts';
import { BUG_EXIT_CODE } from './exit-code.ts';
import type { Format } from './invocation.ts';

/** An error as a person or a program meets it on stderr. */
export interface Explanation {
  readonly exitCode: number;
  /** Ends with a line break. */
  readonly text: string;
}

/**
 * Says what went wrong and what to do next. An expected obstacle has no stack; anything else is a bug in maint, and its
 * stack is what a developer needs.
 */
export function explain(
  error: unknown,
  { format, version }: { readonly format: Format; readonly version: string },
): Explanation {
  const { exitCode, lines, ...fields } = error instanceof MaintError ? obstacle(error) : bug(error, version);
  if (format === 'json')
    return { exitCode, text: `${JSON.stringify({ format: 1, error: { ...fields, exitCode } })}\n` };
  return { exitCode, text: `${lines.join('\n')}\n` };
}

function obstacle(error: MaintError): Told {
  const { code, exitCode } = error;
  const message = shown(error.message);
  const hint = shown(error.hint);
  return {
    exitCode,
    code,
    detail: error.detail ?? null,
    message,
    hint,
    lines: [`maint: ${message}`, hint, `(${code}, exit code ${exitCode})`],
  };
}

function bug(error: unknown, version: string): Told {
  const stack = shown(error instanceof Error ? stackOf(error) : `thrown: ${String(error)}`);
  const hint = `This is a bug in maint ${version}; please report it with the lines above.`;
  return {
    exitCode: BUG_EXIT_CODE,
    code: 'BUG',
    detail: null,
    message: shown(error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    hint,
    stack,
    lines: [`maint: ${stack}`, hint],
  };
}

interface Told {
  readonly exitCode: number;
  readonly code: string;
  readonly detail: string | null;
  readonly message: string;
  readonly hint: string;
  readonly stack?: string;
  readonly lines: readonly string[];
}

function stackOf(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}

function shown(text: string): string {
  return printableLines(redacted(text));
}
