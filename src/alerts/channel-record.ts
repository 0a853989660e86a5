import { createHash } from 'node:crypto';
import type { Delivery } from './deliver.ts';

/** What is known of a channel from run to run. Plain data, stored as JSON. */
export interface ChannelRecord {
  readonly channel: string;
  /** ISO instant at which it last took something; null while it never has. */
  readonly lastSuccessAt: string | null;
  readonly lastFailureAt: string | null;
  /** Why it failed last, without any secret. */
  readonly lastError: string | null;
  /** Since when it has refused for good; null while it does not. */
  readonly brokenSince: string | null;
  /** ISO instant at which a test last went through. */
  readonly verifiedAt: string | null;
  /** ISO instant at which a person last said that a test was seen. */
  readonly confirmedAt: string | null;
  /** SHA-256 of the code in the newest test that nobody has confirmed; the code itself stands in the message alone. */
  readonly codeHash: string | null;
}

/** Where these records live. Methods throw MaintError where the journal cannot be used. */
export interface ChannelRecords {
  load(): readonly ChannelRecord[];
  save(record: ChannelRecord): void;
}

/** A channel of which nothing is known. */
export function newRecord(channel: string): ChannelRecord {
  return {
    channel,
    lastSuccessAt: null,
    lastFailureAt: null,
    lastError: null,
    brokenSince: null,
    verifiedAt: null,
    confirmedAt: null,
    codeHash: null,
  };
}

/** The record of a channel, or a new one. */
export function recordOf(records: readonly ChannelRecord[], channel: string): ChannelRecord {
  return records.find((record) => record.channel === channel) ?? newRecord(channel);
}

/** What a delivery says about its channel: one success mends it, one refusal for good breaks it. Pure. */
export function afterDelivery(
  record: ChannelRecord,
  { delivered, permanent, error }: Delivery,
  at: Date,
): ChannelRecord {
  const now = at.toISOString();
  if (delivered) return { ...record, lastSuccessAt: now, brokenSince: null };
  return {
    ...record,
    lastFailureAt: now,
    lastError: error,
    brokenSince: permanent ? (record.brokenSince ?? now) : record.brokenSince,
  };
}

/** What a test says about its channel. Pure. */
export function afterTest(record: ChannelRecord, deliveries: readonly Delivery[], about: TestAbout): ChannelRecord {
  const after = deliveries.reduce((sofar, delivery) => afterDelivery(sofar, delivery, about.at), record);
  const isVerified = deliveries.length > 0 && deliveries.every(({ delivered }) => delivered);
  const codeHash = about.code === undefined ? after.codeHash : hashOf(about.code);
  return isVerified ? { ...after, verifiedAt: about.at.toISOString(), codeHash } : after;
}

interface TestAbout {
  readonly at: Date;
  readonly code?: string | undefined;
}

/** The record of the channel whose test carried this code, confirmed; undefined where there is none. Pure. */
export function confirmed(records: readonly ChannelRecord[], code: string, at: Date): ChannelRecord | undefined {
  const record = records.find(({ codeHash }) => codeHash === hashOf(code));
  return record && { ...record, confirmedAt: at.toISOString(), codeHash: null };
}

function hashOf(code: string): string {
  return createHash('sha256').update(code.trim().toUpperCase()).digest('hex');
}
