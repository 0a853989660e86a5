import { z } from 'zod';
import { formatDuration } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { outcomeOf, type Finding } from './finding.ts';
import { day } from './judge.ts';
import { lifeThresholds } from './life.ts';

const tokenSettings = z.strictObject({
  name: z.string().min(1).describe('What reports call it; never the token itself'),
  expires: z.iso
    .date('write a day as 2027-03-31')
    .meta({ title: 'date' })
    .describe('The day on which it no longer works, as 2027-03-31'),
  renew: z.string().min(1).optional().describe('Who renews it, and how; printed with a finding'),
});

/** Tokens, keys and contracts whose end is known. */
export const tokensSetting = z
  .array(tokenSettings)
  .refine((tokens) => new Set(tokens.map(({ name }) => name)).size === tokens.length, 'two of them have the same name');
type Token = z.infer<typeof tokenSettings>;

/** Nobody knows when it was made, so it counts as something that a person renews. */
const { warnMs, failMs } = lifeThresholds(Number.POSITIVE_INFINITY);

/** Judges by the calendar alone; the day it expires begins at midnight UTC. */
export function auditToken({ name, expires, renew }: Token, now: Date): Outcome {
  const end = new Date(`${expires}T00:00:00Z`);
  const leftMs = end.getTime() - now.getTime();
  const left = formatDuration(Math.abs(leftMs));
  const message = leftMs <= 0 ? `expired ${left} ago, on ${day(end)}` : `${left} left, until ${day(end)}`;
  const finding = (grade: Finding['grade']): Finding => ({
    grade,
    detail: leftMs <= 0 ? 'token.expired' : 'token.expires_soon',
    message,
    remedy: [renew ?? 'Make a new one where it comes from, and put it wherever the old one is used.'],
  });
  return outcomeOf({
    findings: leftMs > warnMs ? [] : [finding(leftMs <= failMs ? 'fail' : 'warn')],
    allWell: message,
    look: ['Then write its new end under tasks.cert-audit.tokens in the configuration.'],
    facts: { name, expires, leftSeconds: Math.round(leftMs / 1_000), renew: renew ?? null },
    samples: [{ name: 'token.left', subject: name, value: leftMs / 1_000, unit: 'seconds' }],
  });
}
