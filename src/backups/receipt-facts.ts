import { z } from 'zod';
import type { Receipt } from './receipts.ts';
import { LEVELS } from './verify-request.ts';

/** How deep a backup can be looked at, the shallowest first. */
export const VERIFY_LEVELS = [...LEVELS, 'restore'] as const;
export type VerifyLevel = (typeof VERIFY_LEVELS)[number];

const factsSchema = z.object({
  level: z.string().optional().catch(undefined),
  findings: z.array(z.object({ message: z.string(), detail: z.string().catch('') })).catch([]),
  rtoSeconds: z.number().optional().catch(undefined),
  recipient: z.string().optional().catch(undefined),
  summary: z.string().optional().catch(undefined),
  by: z.string().catch('somebody'),
  reason: z.string().catch(''),
});

/** The facts of a receipt that backups are judged by; whatever is not as expected is left out. */
export function factsOf(receipt: Receipt): z.infer<typeof factsSchema> {
  return factsSchema.parse({ findings: [], ...receipt });
}

/** Was each byte read, or only sent, or counted? */
export function isRead(receipt: Receipt): boolean {
  const { level } = factsOf(receipt);
  return level !== 'sent' && level !== 'present';
}

/** A receipt that does not say how deep it looked is taken for the usual depth of its kind. */
export function levelOf(receipt: Receipt): VerifyLevel {
  if (receipt.kind === 'restore-test') return 'restore';
  if (receipt.kind === 'copy') return 'checksum';
  const { level } = factsOf(receipt);
  return VERIFY_LEVELS.find((each) => each === level) ?? 'decode';
}

/** The larger, the deeper. */
export function depthOf(level: VerifyLevel): number {
  return VERIFY_LEVELS.indexOf(level);
}
