import { expect, test } from 'vitest';
import { forcedEnding, parseFaults, slugOf } from '../../src/engine/fault.ts';

test('faults name steps by title or by slug, several with commas between', () => {
  expect(parseFaults('long transactions=fail, disk-var-lib=warn,clock=crash')).toEqual([
    { step: 'long-transactions', verdict: 'fail' },
    { step: 'disk-var-lib', verdict: 'warn' },
    { step: 'clock', verdict: 'crash' },
  ]);
  expect(parseFaults(undefined)).toEqual([]);
  expect(parseFaults('')).toEqual([]);
});

test.each(['clock', 'clock=', 'clock=done', '=fail', 'clock=fail,memory'])('%s is refused', (text) => {
  expect(() => parseFaults(text)).toThrow(/MAINT_FAULT has a part that means nothing/);
});

test('only the step that is named is made to end badly, and says that it is a drill', () => {
  const faults = parseFaults('disk-var-lib=crash');
  expect(forcedEnding(faults, 'disk /var/lib')).toMatchObject({
    verdict: 'crash',
    summary: expect.stringMatching(/^a drill: .*"disk \/var\/lib"/),
    remediation: [expect.stringContaining('unset MAINT_FAULT')],
  });
  expect(forcedEnding(faults, 'disk /var/lib/postgresql')).toBeUndefined();
});

test('a slug needs no quotes in a shell', () => {
  expect(slugOf('http https://app.example.com/health?')).toBe('http-https-app-example-com-health');
  expect(slugOf('disk /')).toBe('disk');
});
