import { hash } from 'node:crypto';
import { posix } from 'node:path';

/** How a file turned out to be that rows point to. */
type Sighting = 'unseen' | 'found' | 'other-size';

const STATES = ['unseen', 'found', 'other-size'] as const satisfies readonly Sighting[];
const FIRST_SLOTS = 1_024;
/** Fuller than this, looking up takes long. */
const FULL_SHARE = 0.6;

/**
 * The files that rows point to, a million of them in a few tens of megabytes: of each path only 64 bits of its SHA-256
 * are kept, beside the size. Two of a million paths share them with a chance of one in thirty million.
 */
export class ReferenceIndex {
  #slots = FIRST_SLOTS;
  #keys = new Uint32Array(FIRST_SLOTS);
  #checks = new Uint32Array(FIRST_SLOTS);
  #sizes = new Float64Array(FIRST_SLOTS);
  /** 0 for a free slot, else one more than the place in `STATES`. */
  #states = new Uint8Array(FIRST_SLOTS);
  #count = 0;

  /** So many different files. */
  get count(): number {
    return this.#count;
  }

  /** @param size undefined where the row does not say */
  add(path: string, size: number | undefined): void {
    if (this.#count >= this.#slots * FULL_SHARE) this.#grow();
    const print = fingerprint(path);
    const slot = this.#slotOf(print);
    if (this.#states[slot] === 0) this.#count += 1;
    this.#put(slot, print, { size: size ?? Number.NaN, state: 1 });
  }

  /** Notes that a file is in the backup. @returns false where no row points to it */
  see(path: string, size: number): boolean {
    const slot = this.#slotOf(fingerprint(path));
    if (this.#states[slot] === 0) return false;
    const expected = this.#sizes[slot] ?? Number.NaN;
    this.#states[slot] = Number.isNaN(expected) || expected === size ? 2 : 3;
    return true;
  }

  /** What became of a file that rows point to, and the size they said; undefined where none does. */
  sighting(path: string): { readonly state: Sighting; readonly size: number | undefined } | undefined {
    const slot = this.#slotOf(fingerprint(path));
    const state = STATES[(this.#states[slot] ?? 0) - 1];
    const size = this.#sizes[slot] ?? Number.NaN;
    return state === undefined ? undefined : { state, size: Number.isNaN(size) ? undefined : size };
  }

  /** Takes a file for found, whatever was seen of it. */
  settle(path: string): void {
    const slot = this.#slotOf(fingerprint(path));
    if (this.#states[slot] !== 0) this.#states[slot] = 2;
  }

  /** So many files were not found as the rows say. */
  get unsettled(): number {
    return this.#states.reduce((sum, state) => (state === 1 || state === 3 ? sum + 1 : sum), 0);
  }

  #slotOf({ key, check }: Fingerprint): number {
    let slot = check % this.#slots;
    while (this.#states[slot] !== 0 && (this.#keys[slot] !== key || this.#checks[slot] !== check))
      slot = (slot + 1) % this.#slots;
    return slot;
  }

  #put(slot: number, { key, check }: Fingerprint, { size, state }: { readonly size: number; readonly state: number }) {
    this.#keys[slot] = key;
    this.#checks[slot] = check;
    this.#sizes[slot] = size;
    this.#states[slot] = state;
  }

  #grow(): void {
    const [keys, checks, sizes, states] = [this.#keys, this.#checks, this.#sizes, this.#states];
    this.#slots *= 2;
    this.#keys = new Uint32Array(this.#slots);
    this.#checks = new Uint32Array(this.#slots);
    this.#sizes = new Float64Array(this.#slots);
    this.#states = new Uint8Array(this.#slots);
    for (const [slot, state] of states.entries()) {
      if (state === 0) continue;
      const print = { key: keys[slot] ?? 0, check: checks[slot] ?? 0 };
      this.#put(this.#slotOf(print), print, { size: sizes[slot] ?? Number.NaN, state });
    }
  }
}

interface Fingerprint {
  readonly key: number;
  readonly check: number;
}

function fingerprint(path: string): Fingerprint {
  const digest = hash('sha256', storedPath(path), 'buffer');
  return { key: digest.readUInt32LE(0), check: digest.readUInt32LE(4) };
}

/** A path as rows write it, as the archive has it: `./a//b` and `/a/b` are `a/b`. */
export function storedPath(path: string): string {
  return posix.normalize(path).replace(/^(?:\/|\.\/)+/, '');
}
