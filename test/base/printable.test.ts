import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable, printableLines, redacted } from '../../src/base/printable.ts';

describe('printable', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['a\nb\r\nc\td', 'a b c d'],
    ['bell\u0007 null\u0000', 'bell null'],
    ['evil \u202etxt.exe', 'evil txt.exe'],
    ['two  spaces stay', 'two  spaces stay'],
    ['ä 漢 ✓ 🎉', 'ä 漢 ✓ 🎉'],
  ])('makes %j safe', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // oxlint-disable-next-line no-control-regex
        expect(printable(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });

  test('keeps lines and their indentation where lines are meant', () => {
    expect(printableLines('one\n    at two\u0007\r\n  three  ')).toBe('one\n    at two\n  three');
  });
});

describe('redacted', () => {
  test.each([
    ['postgres://maint:hunter2@db1:5432/app', 'postgres://maint:[secret]@db1:5432/app'],
    ['cannot reach postgresql://m:hun/ter@2@db1/app now', 'cannot reach postgresql://m:[secret]@db1/app now'],
    ['postgres://:hunter2@db1/app', 'postgres://:[secret]@db1/app'],
    ['https://user:hunter2@example.org/x', 'https://user:[secret]@example.org/x'],
    ['host=db1 password=hunter2 user=m', 'host=db1 password=[secret] user=m'],
    ["password = 'hunter2 \\' too' user=m", 'password = [secret] user=m'],
    ['PGPASSWORD=hunter2 pg_dump', 'PGPASSWORD=[secret] pg_dump'],
    ['postgres:///app?host=/run&password=hunter2&x=1', 'postgres:///app?host=/run&password=[secret]&x=1'],
  ])('takes the password out of %s', (text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  test.each(['postgres://maint@db1/app', 'http://host:8080/path@v2', 'app on db1:5432', 'mail me@example.org: now'])(
    'leaves %s as it is',
    (text) => {
      expect(redacted(text)).toBe(text);
    },
  );

  test('takes out any password that a URL can carry', () => {
    const password = fc.string({ minLength: 4, maxLength: 40 }).map((text) => `S3cr3t${encodeURIComponent(text)}`);
    fc.assert(
      fc.property(password, (secret) => {
        expect(redacted(`x postgres://maint:${secret}@db1/app y`)).toBe('x postgres://maint:[secret]@db1/app y');
      }),
    );
  });
});
