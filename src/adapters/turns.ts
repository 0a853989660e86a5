import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long may work go on before timers, signals and sockets are looked at, in milliseconds. */
const TURN_MS = 20;

/** Parts a long piece of work that never waits into turns, so that all else goes on meanwhile. */
export class Turns {
  #startedAt = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startedAt > TURN_MS;
  }

  /** Lets everything else have its turn. */
  async next(): Promise<void> {
    await nextTurn();
    this.#startedAt = performance.now();
  }
}
