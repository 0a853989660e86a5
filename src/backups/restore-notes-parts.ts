import { formatBytes, plural } from '../base/units.ts';
import { fileSetNames } from './file-set.ts';
import { GLOBALS } from './globals.ts';
import { dumpFile } from './layout.ts';
import type { Artifact, Manifest } from './manifest.ts';

/** The command that prints what is inside an artifact. */
export function opened({ path, codec }: Pick<Artifact, 'path' | 'codec'> = { path: dumpFile(), codec: [] }): string {
  return codec.includes('age')
    ? `age --decrypt --identity "$KEY" ${path} | zstd --decompress --stdout`
    : `zstd --decompress --stdout < ${path}`;
}

/** Asks for the key where one is needed. */
export function keyLine(artifact: Pick<Artifact, 'codec'> | undefined): string {
  return artifact?.codec.includes('age') === true ? 'KEY="${KEY:?the file of the secret key}"\n' : '';
}

/** What the new server must have, and how the old one was set up. */
export function needs({ server, extensions = [], tablespaces = [] }: Manifest): string {
  const { encoding, collate } = server;
  const lines = [
    ...(extensions.length > 0
      ? [
          `The server needs these extensions installed: ${extensions.map(({ name, version }) => `\`${name}\` (${version})`).join(', ')}.`,
        ]
      : []),
    ...(collate === undefined
      ? []
      : [
          `The database had the encoding ${encoding} and the locale ${collate}; where the new server has others, add`,
          `\`--encoding=${encoding} --locale=${collate}\` to \`createdb\`.`,
        ]),
    ...(tablespaces.length > 0
      ? [`What lay in the tablespaces ${tablespaces.join(', ')} comes into the default one.`]
      : []),
  ];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

interface Commands {
  readonly beginning: string;
  readonly load: string;
}

/** How to have owners and rights as they were. */
export function roleNotes(manifest: Manifest, { beginning, load }: Commands): string {
  const { artifacts, roles = [] } = manifest;
  const named = roles.length === 0 ? '' : ` It needs the roles ${roles.map((role) => `\`${role}\``).join(', ')}.`;
  const artifact = artifacts.find(({ codec }) => codec[0] === GLOBALS.content);
  if (artifact === undefined)
    return `Where the roles of the old server exist, leave out \`--no-owner\` and \`--no-privileges\`: a dump of one database does
not hold roles.${named}

`;
  return `## With roles, owners and rights as they were

Instead of the lines above, as a superuser. \`already exists\` is said of each role that the server has, and does no harm;
but such a role gets the attributes that it had on the old server, so read the file first where other databases live.
Roles come back without passwords: give each one its own with \`\\password\` in psql.${named}

\`\`\`bash
${beginning}${opened(artifact)} | psql --quiet --no-psqlrc --dbname=postgres
${load}
\`\`\`

`;
}

/** Settings of the database lie in the dump, where only \`--create\` brings them back. */
export function settingNotes({ settings = [] }: Manifest): string {
  if (settings.length === 0) return '';
  const lines = settings.map(({ role, name, value }) => {
    const whose = role === null ? 'ALTER DATABASE …' : `ALTER ROLE ${role} IN DATABASE …`;
    return `- \`${whose} SET ${name} = ${value ?? '(not shown here: it may be a secret)'}\``;
  });
  return `## Settings

They belong to the database and do not come with the lines above; \`pg_restore --create --schema-only --file=-\` prints them
in full.

${lines.join('\n')}

`;
}

/** How to bring the files of the application back. */
export function fileNotes({ artifacts, fileSets = [] }: Manifest): string {
  const blocks = fileSets.flatMap(({ name, directory, files, bytes }) => {
    const names = fileSetNames(name);
    const tar = artifacts.find(({ path }) => path.startsWith(`${names.tar}.`));
    const list = artifacts.find(({ path }) => path.startsWith(`${names.list}.`));
    if (tar === undefined || list === undefined) return [];
    return [
      `\`${tar.path}\` holds ${plural(files, 'file')} (${formatBytes(bytes)}) that lay in \`${directory}\`. Say with TO where they are to go.

\`\`\`bash
set -euo pipefail
TO="\${TO:-restored-${name}}"
${keyLine(tar)}mkdir -p "$TO"
${opened(tar)} | tar --extract --directory="$TO"
${opened(list)} | (cd "$TO" && sha256sum --check --quiet)
\`\`\`

One file alone: give \`tar\` its name, as it stands in \`${list.path}\`.
`,
    ];
  });
  return blocks.length === 0 ? '' : `## Files of the application\n\n${blocks.join('\n')}\n`;
}
