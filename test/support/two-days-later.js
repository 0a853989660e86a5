/** Loaded before a program, it has it believe that it is two days later. */
const AHEAD_MS = 2 * 86_400_000;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + AHEAD_MS);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + AHEAD_MS;
  }
};
