import { printable, printableLines, redacted } from '../../base/printable.ts';
import { plural } from '../../base/units.ts';
import type { Verdict } from '../../engine/verdict.ts';
import { displayWidth, hanging, padded } from '../layout.ts';
import { LOOKS, type Paint } from '../style.ts';
import type { Check, CheckStatus } from './check.ts';

/** How it is to look. */
interface Page {
  readonly columns: number;
  readonly paint: Paint;
}

const WIDEST = 140;

/** Every check on a line, then what is wrong with its fix, the worst last, and one line that says it all. */
export function doctorText(checks: readonly Check[], { columns, paint }: Page): string {
  const page = { columns: Math.min(columns, WIDEST), paint };
  const lines = [...overview(checks, page), '', ...problems(checks, page), paint('bold', closing(checks))];
  return `${lines.join('\n')}\n`;
}

const VERDICTS: Readonly<Record<CheckStatus, Verdict>> = { ok: 'done', warn: 'warn', unknown: 'crash', fail: 'fail' };

function mark(status: CheckStatus, paint: Paint): string {
  const look = LOOKS[VERDICTS[status]];
  return paint(look.color, look.mark);
}

function overview(checks: readonly Check[], { columns, paint }: Page): readonly string[] {
  const sectionWidth = Math.max(0, ...checks.map(({ section }) => displayWidth(section)));
  const nameWidth = Math.min(28, Math.max(0, ...checks.map(({ name }) => displayWidth(clean(name)))));
  return checks.flatMap(({ section, name, status, summary }, index) => {
    const isFirst = checks[index - 1]?.section !== section;
    const lead = `  ${padded(isFirst ? section : '', sectionWidth)}  ${padded(clean(name), nameWidth)}  `;
    const [first = '', ...rest] = hanging(lead, clean(summary), columns);
    return [mark(status, paint) + first.slice(1), ...rest];
  });
}

/** The worst comes last, where it stays on the screen. */
const PROBLEM_ORDER: readonly CheckStatus[] = ['warn', 'unknown', 'fail'];

function problems(checks: readonly Check[], { columns, paint }: Page): readonly string[] {
  const wrong = PROBLEM_ORDER.flatMap((status) => checks.filter((check) => check.status === status));
  if (wrong.length === 0) return [];
  const told = wrong.flatMap(({ section, name, status, summary, fix }) => {
    const [first = '', ...rest] = hanging('  ', clean(`${section}: ${name}: ${summary}`), columns);
    return [mark(status, paint) + first.slice(1), ...rest, ...fix.map(copyable)];
  });
  return [paint('bold', 'What to do'), ...told, ''];
}

/** Stays unwrapped, for a command that a person copies must not be broken by the page. */
function copyable(text: string): string {
  return `    → ${printableLines(redacted(text)).replaceAll('\n', '\n      ')}`;
}

function closing(checks: readonly Check[]): string {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const [failed, warned, unknown] = [count('fail'), count('warn'), count('unknown')];
  const parts = [
    ...(failed === 0 ? [] : [plural(failed, 'problem')]),
    ...(warned === 0 ? [] : [plural(warned, 'warning')]),
    ...(unknown === 0 ? [] : [`${unknown} not found out`]),
  ];
  const all = plural(checks.length, 'check');
  if (parts.length === 0) return `all is well: ${all}`;
  const readiness = failed === 0 ? (unknown === 0 ? 'ready to work' : 'perhaps ready to work') : 'not ready to work';
  return `${readiness}: ${parts.join(', ')} in ${all}`;
}

function clean(text: string): string {
  return printable(redacted(text));
}
