import { z } from 'zod';

const count = z.int().nonnegative();

/** What more is known of the server; a provider may hide some of it, and backups of an older maint lack it. */
export const serverFields = {
  /** Tells one cluster from every other. */
  systemIdentifier: z.string().optional(),
  timeline: z.int().optional(),
  collate: z.string().optional(),
  ctype: z.string().optional(),
  /** `libc`, `icu` or `builtin`; known from version 15 on. */
  localeProvider: z.string().optional(),
  /** Of the database, indexes included. */
  sizeBytes: count.optional(),
  dataChecksums: z.boolean().optional(),
};

const setting = z.object({
  /** Null where it holds for every role. */
  role: z.string().nullable(),
  name: z.string(),
  /** Null where it may be a secret. */
  value: z.string().nullable(),
});

/** What the database is made of beside its rows. Backups of an older maint lack it. */
export const catalogFields = {
  /** The last value of each sequence; null where it was never asked. They are no part of a snapshot: a dump may be further. */
  sequences: z.record(z.string(), z.string().nullable()).optional(),
  /** How many of each kind, without those that belong to extensions: `tables`, `indexes`, `functions`. */
  objects: z.record(z.string(), count).optional(),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })).optional(),
  /** Owners and grantees, which must exist before a restore that keeps them. */
  roles: z.array(z.string()).optional(),
  /** Those that something of the database lies in. */
  tablespaces: z.array(z.string()).optional(),
  /** What ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET have set. */
  settings: z.array(setting).optional(),
  /** Of every definition in the dump: the same as long as the schema is. Undefined where only pg_restore can read it. */
  schemaSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
};

/** Roles, memberships and their settings, which belong to the server and not to the database. */
export const globalsReport = z.object({
  /** Never: pg_dumpall is not asked for them. */
  hasPasswords: z.literal(false),
  /** They are read beside the snapshot, not in it. */
  isInSnapshot: z.literal(false),
  /** Why they are not in the backup; null where they are. */
  fault: z.string().nullable(),
});

/** Files that rows point to, held against those that went into the archive. */
const referencesReport = z.object({
  /** Different files that rows of the snapshot point to. */
  files: count,
  missing: count,
  otherSize: count,
  /** Files whose rows went or changed while the backup was taken. */
  passing: count,
  /** The first few that are missing or have another size. */
  examples: z.array(z.string()),
  /** Files of the archive that no row points to. */
  unreferencedFiles: count,
  unreferencedBytes: count,
  /** Why the rows could not be asked; null where they were. */
  fault: z.string().nullable(),
});

/** One folder of the application. Sizes are in bytes. */
export const fileSetReport = z.object({
  name: z.string(),
  /** Where it lay. */
  directory: z.string(),
  files: count,
  bytes: count,
  folders: count,
  links: count,
  /** Written to while they were read: what is in the archive may be half old, half new. */
  changed: count,
  /** Gone before they could be read. */
  vanished: count,
  /** Not in the archive, or filled up with zeros, because the system refused to read them. */
  unreadable: count,
  /** Sockets, pipes and devices, which are left out. */
  special: count,
  /** The first few of the last four kinds. */
  examples: z.array(z.object({ path: z.string(), what: z.string() })),
  /** Null where no query names them. */
  references: referencesReport.nullable(),
  seconds: z.number().nonnegative(),
  /** Why the folder is not in the backup; null where it is. */
  fault: z.string().nullable(),
});

export type FileSetReport = z.infer<typeof fileSetReport>;
