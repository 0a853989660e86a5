import { formatCount, plural } from '../base/units.ts';
import { FILES } from './layout.ts';
import { dumpOf, type Manifest } from './manifest.ts';
import { fileNotes, keyLine, needs, opened, roleNotes, settingNotes } from './restore-notes-parts.ts';

/** Writes RESTORE.md: how to bring this very backup back with stock programs, for someone who has never heard of maint. */
export function restoreNotes(manifest: Manifest): string {
  const { id, label, database, server, snapshot, tools } = manifest;
  const tables = Object.values(manifest.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const dump = dumpOf(manifest);
  const beginning = `set -euo pipefail
sha256sum --check ${FILES.sums}
NEW="\${NEW:-${quoteForShell(`${database}_restored`)}}"
${keyLine(dump)}`;
  const load = (flags: string): string => `createdb --template=template0 "$NEW"
${opened(dump)} | pg_restore --exit-on-error ${flags}${leftOut(manifest)}--dbname="$NEW"
psql --dbname="$NEW" --command='ANALYZE'`;
  return `# Restoring backup ${id} of ${label}

The database \`${database}\` as it was at ${snapshot.takenAt}: ${plural(tables.length, 'table')}, ${formatCount(rows)} rows,
from a PostgreSQL ${server.version} server. maint is not needed to bring it back.

## Into a new database

Needs the client programs of PostgreSQL ${tools.pgDumpMajor} or newer, a server of version ${server.major} or newer, and \`zstd\`. Say where the
server is with the usual variables (PGHOST, PGPORT, PGUSER, PGPASSWORD), and go to the folder of this file.
${needs(manifest)}${manifest.encryption === undefined ? '' : keyNotes(manifest)}
\`\`\`bash
${beginning}${load('--no-owner --no-privileges ')}
\`\`\`

Everything then belongs to the role that restores.

Without \`zstd\`, Node.js 22.15 or newer reads the same format; write this in its place:
\`node -e "process.stdin.pipe(require('zlib').createZstdDecompress()).pipe(process.stdout)"\`

${roleNotes(manifest, { beginning, load: load('') })}${settingNotes(manifest)}${fileNotes(manifest)}## What it must hold

\`${FILES.manifest}\` names each table with its rows; the counts were taken in the snapshot of the dump. In one table:
\`psql --dbname="$NEW" --command='SELECT count(*) FROM …'\`

## What is not in here

${[...missing(manifest), ...manifest.excluded].map((line) => `- ${line}\n`).join('')}`;
}

/** What would stand in the way: places of the old host, and a server that would start to pull from another one. */
function leftOut({ tablespaces = [], objects = {} }: Manifest): string {
  return [
    ...(tablespaces.length > 0 ? ['--no-tablespaces '] : []),
    ...((objects['subscriptions'] ?? 0) > 0 ? ['--no-subscriptions '] : []),
  ].join('');
}

function missing({ globals, fileSets = [] }: Manifest): readonly string[] {
  const sets = fileSets.filter(({ fault }) => fault === null);
  return [
    globals?.fault === null ? 'passwords of roles' : 'roles and their memberships',
    sets.length === 0
      ? 'files that the application keeps outside the database'
      : `files that the application keeps outside the database, but for those of ${sets.map(({ name }) => name).join(', ')}`,
  ];
}

/** Says which key is needed, so that one that lies in a safe can be told from the others. */
function keyNotes({ encryption }: Manifest): string {
  const recipients = encryption?.recipients ?? [];
  return `
The backup is encrypted with age, so \`age\` is needed (or \`rage\`, which reads the same format), and the secret key that
belongs to one of these public keys; \`age-keygen -y FILE\` prints the public key of a file. Say with KEY where it lies.

${recipients.map((recipient) => `- \`${recipient}\`\n`).join('')}`;
}

function quoteForShell(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : text.replaceAll(/[^\w.-]/g, '_');
}
