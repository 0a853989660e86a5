import { inspect } from 'node:util';

const SHOWN = '[secret]';

/**
 * A string that does not print. `String()`, template literals, `JSON.stringify` and `console.log` all show `[secret]`;
 * the one way to the value is `reveal()`, which only adapters call, at the moment the value leaves the process.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it as late as possible and never store the answer. */
  reveal(): string {
    return this.#value;
  }

  /** The text with every occurrence of the value, plain or as it stands in a URL, shown as `[secret]`. */
  maskIn(text: string): string {
    if (this.#value === '') return text;
    return text.replaceAll(this.#value, SHOWN).replaceAll(encodeURIComponent(this.#value.toWellFormed()), SHOWN);
  }

  /** Is the text a part of the value? Then it is to be kept like the whole. */
  holds(text: string): boolean {
    return text !== '' && this.#value.includes(text);
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
