import { printable } from '../../base/printable.ts';
import { formatCount, plural } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { SelftestInvocation } from '../backups-invocation.ts';
import { LOOKS, paintFor } from '../style.ts';
import type { FaultResult } from './result.ts';

/** What is said besides the results. */
interface Aside {
  /** Why no server could be started; undefined where one was. */
  readonly why: string | undefined;
  /** Where the damaged copies are kept; undefined where they are gone. */
  readonly kept: string | undefined;
}

/** How a self-test is told: line by line for a person, at its end for a program. */
export interface SelftestText {
  readonly tell: (result: FaultResult) => void;
  end(results: readonly FaultResult[], aside: Aside): string;
}

const VERDICTS = { raised: 'done', missed: 'fail', skipped: 'skip' } as const;

/** Tells each result as it comes, unless one document is wanted. */
export function selftestText({ format, common }: SelftestInvocation, { stdout, env }: World): SelftestText {
  const paint = paintFor(common.color, env, stdout);
  const line = ({ fault, expected, status, said }: FaultResult): string => {
    const { mark, color } = LOOKS[VERDICTS[status]];
    const end =
      status === 'raised'
        ? expected
        : status === 'missed'
          ? `no ${expected}; it said ${said.length === 0 ? 'nothing' : said.join(', ')}`
          : `not tried: ${said.join(', ')}`;
    return `${paint(color, mark)} ${printable(fault)}: ${printable(end)}\n`;
  };
  return {
    tell: (result) => {
      if (format === 'text') stdout.write(line(result));
    },
    end: (results, aside) => (format === 'json' ? document(results, aside) : closing(results, aside)),
  };
}

interface Counts {
  readonly raised: number;
  readonly tried: number;
  readonly skipped: number;
}

function counted(results: readonly FaultResult[]): Counts {
  const skipped = results.filter(({ status }) => status === 'skipped').length;
  const raised = results.filter(({ status }) => status === 'raised').length;
  return { raised, tried: results.length - skipped, skipped };
}

function document(results: readonly FaultResult[], { why, kept }: Aside): string {
  const { raised, tried, skipped } = counted(results);
  const facts = { format: 1, ok: raised === tried, raised, expected: tried, skipped };
  return `${JSON.stringify({ ...facts, withoutServer: why ?? null, kept: kept ?? null, results })}\n`;
}

function closing(results: readonly FaultResult[], { why, kept }: Aside): string {
  const { raised, tried, skipped } = counted(results);
  const left = skipped === 0 ? '' : `; ${plural(skipped, 'fault')} could not be tried here`;
  return [
    ...(why === undefined ? [] : [`${printable(why)}: faults of a server were not tried`]),
    ...(kept === undefined ? [] : [`kept in ${printable(kept)}`]),
    `${formatCount(raised)}/${formatCount(tried)} alarms${left}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}
