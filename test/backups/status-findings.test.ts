import { describe, expect, test } from 'vitest';
import { stateOf, type Judged } from '../../src/backups/judgement.ts';
import type { Receipt } from '../../src/backups/receipts.ts';
import { localStore, type BackupEntry } from '../../src/backups/repository.ts';
import { ruleSettings } from '../../src/backups/rules.ts';
import { findingsOf, type StatusFinding } from '../../src/backups/status-findings.ts';
import { DAY_MS } from '../../src/base/units.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import { makeManifest } from '../support/manifest.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const ID = '20261122T030000Z-aaaa';

const OFFSITE: Omit<CopyPlace, 'open'> = {
  name: 'offsite',
  medium: 'object',
  isOffsite: true,
  immutableForMs: 30 * DAY_MS,
  keep: undefined,
  readsBack: true,
};

function entry(changes: Partial<BackupEntry> = {}): BackupEntry {
  return {
    id: ID,
    startedAt: new Date('2026-11-22T03:00:00Z'),
    store: localStore('/backups'),
    path: `app/${ID}`,
    location: `/backups/app/${ID}`,
    bytes: 1_000,
    isVerified: true,
    manifest: makeManifest({ id: ID }),
    ...changes,
  };
}

type Line = Partial<Receipt> & Pick<Receipt, 'kind'>;

/** Receipts about the one backup, all of now where they do not say otherwise. */
function receipts(lines: readonly Line[]): readonly Receipt[] {
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

interface Facts extends Partial<Omit<Judged, 'rules'>> {
  readonly lines?: readonly Line[];
  readonly rules?: object;
}

function judged({ lines = [], rules = {}, ...rest }: Facts): Judged {
  return {
    viewed: 'local',
    entries: [entry()],
    chain: { receipts: receipts(lines), fault: undefined, remedy: [] },
    copies: [],
    recipients: [],
    rules: ruleSettings.parse(rules),
    now: NOW,
    ...rest,
  };
}

function details(facts: Facts): readonly string[] {
  return findings(facts).map(({ detail }) => detail);
}

function findings(facts: Facts): readonly StatusFinding[] {
  const request = judged(facts);
  return findingsOf(request, stateOf(request));
}

function ago(days: number): string {
  return new Date(NOW.getTime() - days * DAY_MS).toISOString();
}

describe('without rules', () => {
  test('a fresh backup in one place is no finding, whatever 3-2-1 says', () => {
    expect(details({})).toEqual([]);
    expect(details({ now: new Date(NOW.getTime() + 400 * DAY_MS) })).toEqual([]);
  });

  test('no backup, or none that is verified, is the worst', () => {
    expect(details({ entries: [] })).toEqual(['backup.none']);
    expect(details({ entries: [entry({ isVerified: false })] })).toEqual(['backup.none', 'backup.incomplete']);
  });

  test('a copy without a manifest may still be on its way, a local backup without one may not', () => {
    const half = { isVerified: false, manifest: undefined, id: '20261121T030000Z-aaaa' };
    const store = { ...localStore('/mnt'), name: 'offsite' };
    expect(findings({ entries: [entry(), entry(half)] })).toMatchObject([
      { severity: 'fail', detail: 'backup.incomplete' },
    ]);
    expect(findings({ viewed: 'offsite', entries: [entry({ store }), entry({ ...half, store })] })).toMatchObject([
      { severity: 'warn', detail: 'backup.incomplete' },
    ]);
  });

  test('a copy that was found bad, and a restore that failed, are findings until they are mended', () => {
    const bad: Line = { kind: 'verify', copy: 'offsite', verdict: 'fail', level: 'checksum' };
    const copies = [OFFSITE];
    expect(details({ copies, lines: [bad] })).toEqual(['copy.bad']);
    expect(details({ copies, lines: [bad, { kind: 'copy', copy: 'offsite', level: 'read-back' }] })).toEqual([]);
    const failed: Line = { kind: 'restore-test', verdict: 'fail', summary: 'a table is missing' };
    expect(findings({ lines: [failed] })[0]?.message).toContain('a table is missing');
    expect(details({ lines: [failed, { kind: 'restore-test' }] })).toEqual([]);
    expect(details({ lines: [failed, { kind: 'restore-test', verdict: 'inconclusive' }] })).toEqual([
      'restore-test.failed',
    ]);
  });

  test('a suspicious backup is a warning until it is acknowledged', () => {
    const anomalies = [{ detail: 'anomaly.rows', table: 't', message: 'half is gone', isSuspicious: true }];
    const entries = [entry({ manifest: makeManifest({ id: ID, anomalies }) })];
    expect(findings({ entries })).toMatchObject([{ severity: 'warn', detail: 'backup.suspicious' }]);
    expect(details({ entries, lines: [{ kind: 'acknowledge' }] })).toEqual([]);
  });
});

test('a backup dated in the future is a finding, and does not hide that no newer one was taken', () => {
  const ahead = '20271122T030000Z-aaaa';
  const startedAt = new Date('2027-11-22T03:00:00Z');
  const future = entry({ id: ahead, startedAt, manifest: makeManifest({ id: ahead }) });
  const rules = { maxAge: '26h' };
  expect(details({ rules, entries: [future, entry()] })).toEqual(['backup.future_timestamp']);
  const later = { rules, entries: [future, entry()], now: new Date(NOW.getTime() + 2 * DAY_MS) };
  expect(details(later)).toEqual(['backup.future_timestamp', 'backup.stale']);
  expect(details({ rules, entries: [future] })).toEqual(['backup.none', 'backup.future_timestamp']);
});

test('right bytes with the wrong rows in one copy are one finding, which says where it was seen', () => {
  const wrong = [{ detail: 'verify.rows_mismatch', message: 'a row is missing' }];
  const lines: readonly Line[] = [
    { kind: 'verify', copy: 'offsite', verdict: 'fail', level: 'decode', findings: wrong },
  ];
  const found = findings({ copies: [OFFSITE], lines });
  expect(found.map(({ detail }) => detail)).toEqual(['backup.none', 'backup.bad']);
  expect(found[1]?.message).toContain('in offsite was found bad');
});

describe('a rule', () => {
  test('about age is broken two days after cron has stopped', () => {
    const rules = { maxAge: '26h' };
    expect(details({ rules })).toEqual([]);
    expect(details({ rules, now: new Date(NOW.getTime() + 2 * DAY_MS) })).toEqual(['backup.stale']);
  });

  test('about proofs holds for each place by itself', () => {
    const copies = [OFFSITE];
    const rules = { maxVerifyAge: '8 days', maxRestoreTestAge: '45 days' };
    expect(details({ copies, rules })).toEqual([
      'verify.stale',
      'restore-test.stale',
      'verify.stale',
      'restore-test.stale',
    ]);
    const proofs: readonly Line[] = [
      { kind: 'restore-test', copy: 'offsite', at: ago(46) },
      { kind: 'restore-test', at: ago(44) },
      { kind: 'verify', level: 'decode', at: ago(7) },
      { kind: 'copy', copy: 'offsite', level: 'read-back', at: ago(1) },
    ];
    expect(findings({ copies, rules, lines: proofs })).toMatchObject([
      {
        detail: 'restore-test.stale',
        message: expect.stringContaining('no backup in offsite has been restored for 46 days'),
      },
    ]);
  });

  test('a first glance at a backup is no verification', () => {
    expect(details({ rules: { maxVerifyAge: '8 days' }, lines: [{ kind: 'verify', level: 'present' }] })).toEqual([
      'verify.stale',
    ]);
  });

  test('about copies counts what was read back lately, and the live database', () => {
    const copies = [OFFSITE];
    const rules = { copies: 3, media: 2, offsite: 1, immutable: 1 };
    const sent: Line = { kind: 'copy', copy: 'offsite', level: 'sent' };
    const read: Line = { kind: 'copy', copy: 'offsite', level: 'read-back' };
    const all = ['rule.copies', 'rule.media', 'rule.offsite', 'rule.immutable'];
    expect(details({ copies, rules })).toEqual(all);
    expect(details({ copies, rules, lines: [sent] })).toEqual(all);
    expect(details({ copies, rules, lines: [read] })).toEqual([]);
    expect(details({ copies, rules, lines: [{ ...read, at: ago(36) }] })).toEqual(all);
    expect(
      details({ copies, rules: { ...rules, readBackWithin: '90 days' }, lines: [{ ...read, at: ago(36) }] }),
    ).toEqual([]);
    expect(details({ copies, rules, lines: [{ ...read, backup: 'an older one' }] })).toEqual(all);
  });

  test('on a host that only sees a copy, no other place is judged by its age', () => {
    const store = { ...localStore('/mnt'), name: 'offsite' };
    const request = { viewed: 'offsite', entries: [entry({ store })], copies: [OFFSITE] };
    const lines: readonly Line[] = [{ kind: 'verify', copy: 'offsite', level: 'checksum' }];
    expect(details({ ...request, lines, rules: { maxAge: '1 day', maxVerifyAge: '1 day' } })).toEqual([]);
  });
});

test('a key is proven by the restore test that it opened a backup in', () => {
  const lines: readonly Line[] = [
    { kind: 'restore-test', recipient: 'age1daily', at: ago(3) },
    { kind: 'restore-test', recipient: 'age1locked', verdict: 'fail', at: ago(1) },
    { kind: 'restore-test', recipient: 'age1former', at: ago(90) },
  ];
  expect(stateOf(judged({ lines, recipients: ['age1daily', 'age1locked'] })).keys).toEqual([
    { recipient: 'age1daily', provenAt: new Date(ago(3)) },
    { recipient: 'age1locked', provenAt: undefined },
    { recipient: 'age1former', provenAt: new Date(ago(90)) },
  ]);
});
