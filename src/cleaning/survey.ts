import { matchesGlob } from 'node:path';
import type { AnchoredFolder, EntryState } from '../adapters/anchored-folder.ts';
import { Turns } from '../adapters/turns.ts';
import { guardOf } from './guard.ts';
import { measure, turn, within, type Obstacle, type Pauses } from './measure.ts';
import type { Candidate } from './select.ts';
import type { CleaningRule } from './settings.ts';

/** What a rule covers, and what it had to leave aside. */
export interface Survey {
  readonly candidates: readonly Candidate[];
  /** Folders that a killed run had begun to remove; they go whatever the limits say. */
  readonly begun: readonly Candidate[];
  /** What could not be looked at, or must not go, by path. */
  readonly aside: readonly { readonly path: string; readonly obstacle: Obstacle }[];
}

/** Before the name of a folder that is being removed. */
export const REMOVING = '.maint-removing.';

/**
 * Looks for everything below a root that a rule covers.
 * @throws the signal's reason
 */
export async function survey(root: AnchoredFolder, rule: CleaningRule, signal: AbortSignal): Promise<Survey> {
  const found = new Finding(rule, { turns: new Turns(), signal });
  await found.visit(root, '');
  return found;
}

class Finding implements Survey {
  readonly candidates: Candidate[] = [];
  readonly begun: Candidate[] = [];
  readonly aside: { readonly path: string; readonly obstacle: Obstacle }[] = [];
  readonly #rule: CleaningRule;
  readonly #pauses: Pauses;
  readonly #deepest: number;

  constructor(rule: CleaningRule, pauses: Pauses) {
    this.#rule = rule;
    this.#pauses = pauses;
    this.#deepest = depthOf([...(rule.files ?? []), ...(rule.folders ?? [])]);
  }

  async visit(folder: AnchoredFolder, path: string, depth = 1): Promise<void> {
    if (guardOf(folder) !== undefined) {
      this.aside.push({ path, obstacle: 'guarded' });
      return;
    }
    for (const name of folder.names()) {
      await turn(this.#pauses);
      const state = folder.look(name);
      const below = path === '' ? name : `${path}/${name}`;
      if (typeof state === 'string') {
        if (state !== 'vanished') this.aside.push({ path: below, obstacle: state });
      } else if (state.kind === 'file') this.#file(below, state);
      else if (state.kind === 'folder') await this.#folder(folder, { path: below, name, state, depth });
    }
  }

  #file(path: string, state: EntryState): void {
    if (!matches(path, this.#rule.files)) return;
    const { device, inode, modifiedMs } = state;
    const bytes = state.links === 1 ? state.diskBytes : 0;
    this.candidates.push({ path, kind: 'file', device, inode, modifiedMs, bytes, files: 1 });
  }

  async #folder(parent: AnchoredFolder, { path, name, state, depth }: Below): Promise<void> {
    const isBegun = name.startsWith(REMOVING);
    const meant = isBegun ? path.slice(0, -name.length) + name.slice(REMOVING.length) : path;
    if (matches(meant, this.#rule.folders)) await this.#whole(parent, { path, name, state, depth }, isBegun);
    else if (!isBegun && depth < this.#deepest)
      this.#note(path, await within(parent, name, (folder) => this.visit(folder, path, depth + 1)));
  }

  async #whole(parent: AnchoredFolder, { path, name, state }: Below, isBegun: boolean): Promise<void> {
    const measured = await within(parent, name, (folder) => measure(folder, this.#pauses));
    if (typeof measured === 'string') return this.#note(path, measured);
    const { device, inode } = state;
    const { newestMs: modifiedMs, bytes, files } = measured;
    const list = isBegun ? this.begun : this.candidates;
    list.push({ path, kind: 'folder', device, inode, modifiedMs, bytes, files });
  }

  #note(path: string, obstacle: Obstacle | void): void {
    if (typeof obstacle === 'string' && obstacle !== 'vanished') this.aside.push({ path, obstacle });
  }
}

interface Below {
  readonly path: string;
  readonly name: string;
  readonly state: EntryState;
  /** 1 right below the root. */
  readonly depth: number;
}

function matches(path: string, patterns: readonly string[] | undefined): boolean {
  return patterns?.some((pattern) => matchesGlob(path, pattern)) ?? false;
}

/** How far down a pattern can reach. */
export function depthOf(patterns: readonly string[]): number {
  const depths = patterns.map((pattern) => (pattern.includes('**') ? DEEPEST : pattern.split('/').length));
  return Math.max(...depths);
}

/** Each level holds a folder open. */
const DEEPEST = 100;
