/** One number at one time, worth a trend: `disk.used` of `/var/lib/postgresql` = 0.81 `ratio`. */
export interface Sample {
  /** Dotted name of the measure. */
  readonly name: string;
  /** What was measured: a path, a table, a host. */
  readonly subject: string;
  readonly value: number;
  readonly unit: 'ratio' | 'bytes' | 'seconds' | 'count';
}

/** A sample with the instant it was taken at. */
export interface TimedSample {
  readonly at: Date;
  readonly value: number;
}

/** Earlier samples of the same project, oldest first. */
export interface SampleHistory {
  /**
   * @param name dotted name of the measure
   * @param subject what was measured
   * @param since only samples taken at or after this instant
   * @returns oldest first; empty where the journal has none or cannot be read
   */
  samples(name: string, subject: string, since: Date): readonly TimedSample[];
}
