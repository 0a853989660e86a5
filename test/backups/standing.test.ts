import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/backups/manifest.ts';
import type { Receipt } from '../../src/backups/receipts.ts';
import { localStore, type BackupEntry } from '../../src/backups/repository.ts';
import { expirable, standingsOf, type Standing } from '../../src/backups/standing.ts';
import { DAY_MS } from '../../src/base/units.ts';
import { makeManifest } from '../support/manifest.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const ID = '20261122T030000Z-aaaa';

function entry(changes: Partial<Manifest> = {}): BackupEntry {
  return {
    id: ID,
    startedAt: new Date('2026-11-22T03:00:00Z'),
    store: localStore('/backups'),
    path: `app/${ID}`,
    location: `/backups/app/${ID}`,
    bytes: 1_000,
    isVerified: true,
    manifest: makeManifest({ id: ID, ...changes }),
  };
}

type Line = Partial<Receipt> & Pick<Receipt, 'kind'>;

function receipts(...lines: readonly Line[]): readonly Receipt[] {
  return lines.map((line, index) => ({
    format: 'maint-receipt/1',
    number: index + 1,
    at: NOW.toISOString(),
    host: 'db1',
    backup: ID,
    label: 'app',
    copy: 'local',
    verdict: 'pass',
    previous: null,
    ...line,
  }));
}

function standing(lines: readonly Line[], changes: Partial<Manifest> = {}): Standing {
  const [only] = standingsOf({ entries: [entry(changes)], receipts: receipts(...lines), now: NOW });
  if (only === undefined) throw new Error('an entry had no standing');
  return only;
}

describe('a backup counts as verified', () => {
  test('from the day it was taken', () => {
    expect(standing([])).toMatchObject({ isVerified: true, proof: { level: 'decode' } });
  });

  test('until a verification of this copy finds it bad', () => {
    const bad: Line = { kind: 'verify', verdict: 'fail', level: 'checksum', findings: [{ message: 'a flipped bit' }] };
    expect(standing([bad])).toMatchObject({ isVerified: false, failure: { findings: ['a flipped bit'] } });
    expect(standing([{ ...bad, copy: 'offsite' }])).toMatchObject({ isVerified: true });
    expect(standing([{ ...bad, backup: 'another' }])).toMatchObject({ isVerified: true });
  });

  test('again once a later verification of at least that depth passes, and not before', () => {
    const bad: Line = { kind: 'verify', verdict: 'fail', level: 'decode' };
    const again = (level: string): Line => ({ kind: 'verify', level });
    expect(standing([bad, again('checksum')])).toMatchObject({ isVerified: false });
    expect(standing([bad, again('decode')])).toMatchObject({ isVerified: true });
    expect(standing([again('decode'), bad])).toMatchObject({ isVerified: false });
    expect(standing([bad, { kind: 'verify', verdict: 'inconclusive' }])).toMatchObject({ isVerified: false });
  });

  test('again once its bytes were sent anew and read back, but not when they were only sent', () => {
    const bad: Line = { kind: 'verify', verdict: 'fail', level: 'decode' };
    expect(standing([bad, { kind: 'copy', level: 'sent' }])).toMatchObject({ isVerified: false });
    expect(standing([bad, { kind: 'copy', level: 'read-back' }])).toMatchObject({ isVerified: true });
  });

  test('but not because a shallow look that failed as well has passed again', () => {
    const deep: Line = {
      kind: 'verify',
      verdict: 'fail',
      level: 'decode',
      findings: [{ message: 'a row is missing' }],
    };
    const shallow: Line = { kind: 'verify', verdict: 'fail', level: 'present' };
    expect(standing([deep, shallow, { kind: 'verify', level: 'checksum' }])).toMatchObject({
      isVerified: false,
      failure: { findings: ['a row is missing'] },
    });
    expect(standing([deep, shallow, { kind: 'verify', level: 'decode' }])).toMatchObject({ isVerified: true });
  });

  test('in no place where one copy holds right bytes with the wrong rows, and to send them again changes nothing', () => {
    const findings = [{ detail: 'verify.rows_mismatch', message: 'a row is missing' }];
    const bad: Line = { kind: 'verify', verdict: 'fail', level: 'decode', copy: 'offsite', findings };
    const sent: Line = { kind: 'copy', level: 'read-back', copy: 'offsite' };
    expect(standing([bad])).toMatchObject({ isVerified: false, failure: { copy: 'offsite' } });
    expect(standing([bad, sent])).toMatchObject({ isVerified: false });
    expect(standing([bad, { kind: 'verify', level: 'decode', copy: 'offsite' }])).toMatchObject({ isVerified: true });
  });

  test('until a copy of it did not arrive whole, as far as that copy goes', () => {
    const failed: Line = { kind: 'copy', verdict: 'fail', level: 'read-back' };
    expect(standing([failed])).toMatchObject({ isVerified: false, failure: { level: 'checksum' } });
    expect(standing([failed, { kind: 'copy', level: 'read-back' }])).toMatchObject({ isVerified: true });
    expect(standing([{ ...failed, copy: 'offsite' }])).toMatchObject({ isVerified: true });
  });

  test('until a restore shows what it lacks, and not because a restore was slow', () => {
    const tried = (detail: string): Line => ({
      kind: 'restore-test',
      verdict: 'fail',
      findings: [{ detail, message: 'no good' }],
    });
    expect(standing([tried('restore.rows_mismatch')])).toMatchObject({ isVerified: false });
    expect(standing([tried('rto.exceeded')])).toMatchObject({ isVerified: true });
    expect(standing([tried('restore.assertion_failed')])).toMatchObject({ isVerified: true });
    expect(standing([tried('restore.load_failed'), { kind: 'verify', level: 'decode' }]).isVerified).toBe(false);
    expect(standing([tried('restore.load_failed'), { kind: 'restore-test' }]).isVerified).toBe(true);
    const unlike: Line = { kind: 'verify', verdict: 'fail', level: 'checksum' };
    expect(standing([unlike, { kind: 'restore-test' }]).isVerified).toBe(false);
  });
});

test('the newest look that went well is the proof, and a restore is the deepest', () => {
  const at = '2026-11-20T00:00:00.000Z';
  expect(standing([{ kind: 'verify', level: 'checksum', at }]).proof).toEqual({
    copy: 'local',
    level: 'checksum',
    at: new Date(at),
  });
  expect(standing([{ kind: 'restore-test', at, rtoSeconds: 12, recipient: 'age1x' }])).toMatchObject({
    proof: { level: 'restore' },
    tried: { verdict: 'pass', rtoSeconds: 12, recipient: 'age1x' },
  });
});

test('a pin holds until it is taken off, with who and why', () => {
  const pin: Line = { kind: 'pin', by: 'ann@db1', reason: 'audit' };
  expect(standing([pin]).pin).toMatchObject({ by: 'ann@db1', reason: 'audit' });
  expect(expirable(standing([pin]))).toMatchObject({ isPinned: true });
  expect(standing([pin, { kind: 'unpin' }]).pin).toBeUndefined();
  expect(standing([pin, { kind: 'unpin' }, pin]).pin).toBeDefined();
});

test('an anomaly is a suspicion until somebody acknowledges this very backup', () => {
  const anomalies = [
    { detail: 'anomaly.rows', table: 'public.users', message: 'half of it is gone', isSuspicious: true },
    { detail: 'anomaly.rows', table: 'public.jobs', message: 'a little less', isSuspicious: false },
  ];
  expect(standing([], { anomalies }).suspicions).toHaveLength(1);
  expect(expirable(standing([], { anomalies }))).toMatchObject({ isSuspicious: true });
  expect(standing([{ kind: 'acknowledge', backup: 'another' }], { anomalies }).suspicions).toHaveLength(1);
  expect(standing([{ kind: 'acknowledge', reason: 'we cleaned up' }], { anomalies })).toMatchObject({
    suspicions: [],
    acknowledged: { reason: 'we cleaned up' },
  });
});

describe('a copy elsewhere counts', () => {
  const copied: Line = { kind: 'copy', copy: 'offsite', level: 'read-back' };

  test('when its bytes were read there lately, and were right', () => {
    expect(standing([copied]).heldBy).toEqual(['offsite']);
    expect(standing([{ ...copied, verdict: 'fail' }]).heldBy).toEqual([]);
    expect(standing([{ ...copied, level: 'sent' }]).heldBy).toEqual([]);
    const old = new Date(NOW.getTime() - 36 * DAY_MS).toISOString();
    expect(standing([{ ...copied, at: old }]).heldBy).toEqual([]);
    expect(
      standing([
        { ...copied, at: old },
        { kind: 'verify', copy: 'offsite', level: 'checksum' },
      ]).heldBy,
    ).toEqual(['offsite']);
  });

  test('until a verification there finds it bad; that it could not be reached changes nothing', () => {
    expect(standing([copied, { kind: 'verify', copy: 'offsite', verdict: 'fail' }]).heldBy).toEqual([]);
    expect(standing([copied, { kind: 'verify', copy: 'offsite', verdict: 'inconclusive' }]).heldBy).toEqual([
      'offsite',
    ]);
    expect(standing([copied, { kind: 'verify', copy: 'offsite', level: 'present' }]).heldBy).toEqual(['offsite']);
  });
});
