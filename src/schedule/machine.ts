/** What lint must know of the machine that the crontab is for. */
export interface CronMachine {
  /** IANA name of its time zone, by which cron counts. */
  readonly timezone: string;
  /** Can it send mail? */
  readonly hasMailer: boolean;
  /** Does its cron understand CRON_TZ? */
  readonly honoursCronTimezone: boolean;
  isUser(name: string): boolean;
  /** Is there a program at this absolute path that can be started? */
  isProgram(path: string): boolean;
}

/** What cron searches for programs where no PATH= line says more. */
export const CRON_PATH = '/usr/bin:/bin';
