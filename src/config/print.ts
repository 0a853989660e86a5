import { stringify } from 'yaml';
import { describeConnection } from '../adapters/connection.ts';
import { printable } from '../base/printable.ts';
import type { Config } from './config.ts';

/** Writes what maint would work with as YAML: defaults filled in, secrets hidden, where it comes from as comments. */
export function printConfig({ file, assumptions, database, project, effective }: Config): string {
  const { connection } = database;
  const comments = [
    ...(file === null ? [] : [`file: ${file}`]),
    `project: ${project}`,
    `database: ${connection === undefined ? 'none' : `${describeConnection(connection)} as ${connection.user}`}`,
    ...assumptions,
  ];
  const head = comments.map((comment) => `# ${printable(comment)}\n`).join('');
  return head + stringify(effective, { lineWidth: 0 });
}
