/** So many letters are worth waking the reader for. */
const WORTH_READING = 64 * 2 ** 10;

/** Lines that one side adds while another already reads them. */
export class LineQueue {
  #waiting = '';
  #hasEnded = false;
  #wake = Promise.withResolvers<void>();

  add(line: string): void {
    this.#waiting += `${line}\n`;
    if (this.#waiting.length >= WORTH_READING) this.#announce();
  }

  /** No line comes any more. */
  end(): void {
    this.#hasEnded = true;
    this.#announce();
  }

  /** Reads until `end`. @throws the reason of the signal when it aborts */
  async *read(signal: AbortSignal): AsyncGenerator<Buffer> {
    const onAbort = (): void => this.#announce();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        const text = this.#waiting;
        if (text.length >= WORTH_READING || (this.#hasEnded && text !== '')) {
          this.#waiting = '';
          yield Buffer.from(text);
        } else if (this.#hasEnded) return;
        else await this.#wake.promise;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #announce(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}
