import { formatCount, plural } from '../base/units.ts';
import { FILES } from './layout.ts';
import type { Manifest } from './manifest.ts';

/** Writes RESTORE.md: how to bring this very backup back with stock programs, for someone who has never heard of maint. */
export function restoreNotes(manifest: Manifest): string {
  const { id, label, database, server, snapshot, tools } = manifest;
  const tables = Object.values(manifest.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `# Restoring backup ${id} of ${label}

The database \`${database}\` as it was at ${snapshot.takenAt}: ${plural(tables.length, 'table')}, ${formatCount(rows)} rows,
from a PostgreSQL ${server.version} server. maint is not needed to bring it back.

## Into a new database

Needs the client programs of PostgreSQL ${tools.pgDumpMajor} or newer, a server of version ${server.major} or newer, and \`zstd\`. Say where the
server is with the usual variables (PGHOST, PGPORT, PGUSER, PGPASSWORD), and go to the folder of this file.

\`\`\`bash
set -euo pipefail
sha256sum --check ${FILES.sums}
NEW="\${NEW:-${quoteForShell(`${database}_restored`)}}"
createdb --template=template0 "$NEW"
zstd --decompress --stdout ${FILES.dump} | pg_restore --exit-on-error --no-owner --no-privileges --dbname="$NEW"
psql --dbname="$NEW" --command='ANALYZE'
\`\`\`

Everything then belongs to the role that restores. Where the roles of the old server exist, leave out \`--no-owner\` and
\`--no-privileges\`: a dump of one database does not hold roles.

Without \`zstd\`, Node.js 22.15 or newer reads the same format:
\`node -e "process.stdin.pipe(require('zlib').createZstdDecompress()).pipe(process.stdout)" < ${FILES.dump}\`

## What it must hold

\`${FILES.manifest}\` names each table with its rows; the counts were taken in the snapshot of the dump. In one table:
\`psql --dbname="$NEW" --command='SELECT count(*) FROM …'\`

## What is not in here

- Roles, other databases of the server, and settings made with ALTER DATABASE or ALTER ROLE.
- Files that the application keeps outside the database.
${manifest.excluded.map((line) => `- ${line}\n`).join('')}`;
}

function quoteForShell(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : text.replaceAll(/[^\w.-]/g, '_');
}
