import { randomInt } from 'node:crypto';
import { MaintError } from '../base/errors.ts';
import type { BackupPlaces } from '../engine/backup-places.ts';
import { chooseStore } from './choose-store.ts';
import { readReceipts } from './receipts.ts';
import { listBackups, type BackupEntry } from './repository.ts';
import { LOCAL } from './layout.ts';
import { nextTurn, type PICKS, turnsOf, type Age, type Holding } from './rotation.ts';

type Pick = (typeof PICKS)[number];

/** Where to pick, and how. */
export interface Picking {
  readonly places: { readonly copies: BackupPlaces['copies'] };
  /** The backups of this host. */
  readonly directory: string;
  readonly label: string;
  readonly pick: Pick;
  /** `local` or the name of a copy; undefined takes turns with all of them, or means this host where nothing rotates. */
  readonly copy: string | undefined;
}

/** What was picked. */
export interface Picked {
  /** Undefined where there is none. */
  readonly entry: BackupEntry | undefined;
  readonly age: Age | 'random';
  /** Why a place could not be looked into, one line each. */
  readonly unreachable: readonly string[];
}

/**
 * Picks the backup to try.
 * @throws MaintError USAGE where there is no such copy, FILE_UNUSABLE where this host's directory is not there, and what
 *   `Store.list` throws where only one place was asked for
 */
export async function pickBackup(picking: Picking, signal: AbortSignal): Promise<Picked> {
  if (picking.pick === 'rotate') return rotate(picking, signal);
  const { label, pick } = picking;
  const backups = await listBackups(await chooseStore(picking), label, signal);
  const index = { newest: 0, oldest: backups.length - 1, random: backups.length > 0 ? randomInt(backups.length) : 0 }[
    pick
  ];
  return { entry: backups[index], age: pick, unreachable: [] };
}

async function rotate(picking: Picking, signal: AbortSignal): Promise<Picked> {
  const { places, label, directory } = picking;
  const names = picking.copy === undefined ? [LOCAL, ...places.copies.map(({ name }) => name)] : [picking.copy];
  const holdings: Holding<BackupEntry>[] = [];
  const unreachable: string[] = [];
  for (const copy of names) {
    try {
      const newestFirst = await listBackups(await chooseStore({ places, directory, copy }), label, signal);
      holdings.push({ copy, newestFirst });
    } catch (error) {
      // The other places have their turn all the same; one alone must be there.
      if (!(error instanceof MaintError) || names.length === 1) throw error;
      unreachable.push(`${copy}: ${error.message}`);
    }
  }
  const turn = nextTurn(turnsOf(holdings), (await readReceipts(directory, label)).receipts);
  if (turn === undefined) return { entry: undefined, age: 'newest', unreachable };
  return { entry: turn.backups[randomInt(turn.backups.length)], age: turn.age, unreachable };
}
