import { expect, test } from 'vitest';
import { redactor, redactReport } from '../../src/alerts/redact.ts';
import { Secret } from '../../src/base/secret.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

test.each([
  ['postgres://u:PLANTED@db1/app refused', 'postgres://[secret]@db1/app refused'],
  ['postgres://u:PLA@NT/ED@db1/app refused', 'postgres://[secret]@db1/app refused'],
  ['https://PLANTED@git.example/x', 'https://[secret]@git.example/x'],
  ['host=db1 password=PLANTED user=u', 'host=db1 password=[secret] user=u'],
  [`host=db1 password='PLAN \\' TED' user=u`, 'host=db1 password=[secret] user=u'],
  ['PGPASSWORD=PLANTED pg_dump', 'PGPASSWORD=[secret] pg_dump'],
  ['GET /x?access_token=PLANTED&y=1', 'GET /x?access_token=[secret]&y=1'],
  ['{"token": "PLANTED", "a": 1}', '{"token": [secret], "a": 1}'],
  ['api_key: PLANTED', 'api_key: [secret]'],
  ['sent Bearer PLANTED.abc-def= to', 'sent Bearer [secret] to'],
  ['Authorization: Basic PLANTED==', 'Authorization: [secret]'],
  ['POST https://hooks.slack.com/services/T1/B2/PLANTED failed', 'POST https://hooks.slack.com/[secret] failed'],
  ['whsec_PLANTED+/= is the key', '[secret] is the key'],
])('takes the secret out of "%s"', (text, expected) => {
  expect(redactor([])(text)).toBe(expected);
});

test.each([
  'password authentication failed for user "app"',
  'https://db1.example:8443/health answered 500',
  'mail ana@example.com, or see https://wiki.example/runbook#disk',
  '6 of 100 connections in use, 12.5 GB free',
])('leaves "%s" alone', (text) => {
  expect(redactor([])(text)).toBe(text);
});

test('takes out every known secret, plain and as it stands in a URL', () => {
  const redact = redactor([new Secret('s3cr&t'), new Secret(''), new Secret('$&')]);
  expect(redact('said s3cr&t, s3cr&t and s3cr%26t, and $&')).toBe('said [secret], [secret] and [secret], and [secret]');
});

test.each(['a://b:', 'token=', 'a.', 'password', '@', '"', 'authorization: '])(
  'takes a text of 200,000 characters of "%s" in its stride',
  (piece) => {
    const text = piece.repeat(200_000 / piece.length);
    expect(typeof redactor([])(text)).toBe('string');
  },
);

test('cleans every text of a report that an alert may carry', () => {
  const report = reportOf(
    [
      taskOf(
        'health',
        stepOf('disk\u0000 PLANTED', `a\nb\u001b[31m PLANTED \ud800 ${'x'.repeat(10_000)}`, {
          remediation: Array(20).fill('psql postgres://u:PLANTED@db1'),
        }),
      ),
    ],
    { project: 'PLANTED', host: 'PLANTED', command: 'run PLANTED' },
  );
  const clean = redactReport(report, redactor([new Secret('PLANTED')]));
  expect(JSON.stringify(clean)).not.toContain('PLANTED');
  const step = clean.tasks[0]?.steps[0];
  expect(step?.title).toBe('disk [secret]');
  expect(step?.summary).toMatch(/^a b \[secret\] \ufffd x+…$/);
  expect(step?.summary.length).toBe(2_000);
  expect(step?.remediation).toEqual(Array(10).fill('psql postgres://[secret]@db1'));
});
