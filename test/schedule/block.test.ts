import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockText, findBlock, withBlock, withoutBlock, type Block } from '../../src/schedule/block.ts';
import { changedLines } from '../../src/schedule/diff.ts';

const LINES = ['# maint', '17 3 * * * /usr/bin/maint daily --cron'];
const PROJECT = 'app';

function found(crontab: Buffer, project = PROJECT): Block | undefined {
  const answer = findBlock(crontab, project);
  if ('fault' in answer) throw new Error(answer.fault);
  return answer.block;
}

function installed(crontab: Buffer, project = PROJECT, lines: readonly string[] = LINES): Buffer {
  return withBlock(crontab, found(crontab, project), { project, lines });
}

/** What other people may have in their crontab: any bytes, cron lines, blocks of other projects, no last line break. */
const foreign = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('', '\r', '# END maint', '# BEGIN maint apple', '15 3 * * * /x % y', 'MAILTO=""', '  # caf\u00e9')
        .map((line) => Buffer.from(line)),
      fc.constant(Buffer.from(blockText('apple', ['1 2 * * * /y']).trimEnd())),
    ),
    { maxLength: 8 },
  )
  .chain((lines) =>
    fc
      .boolean()
      .map((isEnded) =>
        Buffer.concat(
          lines.flatMap((line, index) => [line, Buffer.from(index < lines.length - 1 || isEnded ? '\n' : '')]),
        ),
      ),
  );

describe('the block in a crontab', () => {
  test('leaves every foreign byte as it is, and gives the crontab back', () => {
    fc.assert(
      fc.property(foreign, fc.array(fc.constantFrom('a', 'b', '# c'), { maxLength: 3 }), (before, others) => {
        const once = installed(before);
        expect(installed(once).equals(once), 'a second time changes nothing').toBe(true);
        expect(once.subarray(0, before.length).equals(before)).toBe(true);
        const changed = installed(once, PROJECT, others);
        expect(changed.subarray(0, before.length).equals(before)).toBe(true);
        const block = found(changed);
        expect(block?.isIntact).toBe(true);
        if (block !== undefined) expect(withoutBlock(block).equals(before)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('stays where it is when lines come before and behind it', () => {
    fc.assert(
      fc.property(foreign, foreign, (head, tail) => {
        const start = Buffer.concat([head, Buffer.from(head.length === 0 || head.at(-1) === 10 ? '' : '\n')]);
        const crontab = Buffer.concat([start, Buffer.from(blockText(PROJECT, ['old'])), tail]);
        const fresh = installed(crontab);
        expect(fresh.equals(Buffer.concat([start, Buffer.from(blockText(PROJECT, LINES)), tail]))).toBe(true);
        const block = found(fresh);
        if (block !== undefined) expect(withoutBlock(block).equals(Buffer.concat([start, tail]))).toBe(true);
      }),
    );
  });

  test('is known to be changed when any byte of it changes', () => {
    const whole = Buffer.from(blockText(PROJECT, LINES));
    const marks = blockText(PROJECT, LINES).split('\n', 1)[0]?.length ?? 0;
    for (let at = marks + 1; at < whole.indexOf('\n# END'); at += 1) {
      const edited = Buffer.from(whole);
      edited[at] = edited[at] === 0x78 ? 0x79 : 0x78;
      expect(found(edited)?.isIntact, `byte ${at}`).toBe(false);
    }
  });

  test('is known to be changed when its checksum does, a line comes, or its lines get other ends', () => {
    const text = blockText(PROJECT, LINES);
    for (const edited of [
      text.replace(/sha256:./, 'sha256:z'),
      text.replace('# END', '# mine\n# END'),
      text.replaceAll('\n', '\r\n'),
      text.replace('# END maint app', '# END maint app or so'),
    ])
      expect(found(Buffer.from(edited))?.isIntact).toBe(false);
  });

  test('of another project is foreign, also where its name begins alike', () => {
    const both = installed(installed(Buffer.alloc(0), 'app-two'), 'app');
    const block = found(both, 'app');
    expect(block && withoutBlock(block).toString()).toBe(blockText('app-two', LINES));
  });

  test.each([
    ['no end', '# BEGIN maint app v1 sha256:x\n1 2 3 4 5 x\n'],
    ['no beginning', 'x\n# END maint app\n'],
    ['the end first', '# END maint app\n# BEGIN maint app v1 sha256:x\n'],
    ['two of them', blockText('app', LINES) + blockText('app', LINES)],
  ])('that has %s is refused', (_, text) => {
    expect(findBlock(Buffer.from(text), PROJECT)).toEqual({ fault: expect.stringContaining('do not match') });
  });
});

describe('what changes', () => {
  test('is nothing where nothing does', () => {
    expect(changedLines('a\n', 'a\n')).toEqual([]);
  });

  test('is shown with what stands around it', () => {
    const before = 'a\nb\nc\nd\nold\ne\nf\n';
    expect(changedLines(before, before.replace('old', 'new\nnewer'))).toEqual([
      '@@ line 5 @@',
      '  b',
      '  c',
      '  d',
      '- old',
      '+ new',
      '+ newer',
      '  e',
      '  f',
    ]);
    expect(changedLines('', 'a\n')).toEqual(['@@ line 1 @@', '+ a']);
  });
});
