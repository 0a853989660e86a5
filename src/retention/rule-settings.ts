import { z } from 'zod';

const columnName = z.string().min(1);
/** One column or several, always read as several. */
const columnNames = z
  .union([columnName, z.array(columnName).min(1)])
  .transform((names) => (typeof names === 'string' ? [names] : names));

/** The newest rows of each key stay, whatever their age. */
export const keepLastSetting = z.strictObject({
  per: columnNames.describe('The columns that make a key, such as user_id'),
  count: z.int().positive().describe('So many of the newest rows of each key stay'),
});
export type KeepLast = z.infer<typeof keepLastSetting>;

/** Rows whose parent does not exist. */
export const orphanSetting = z.strictObject({
  table: z.string().min(1).describe('The table of the parents'),
  key: columnNames.describe('The columns of the rule that name the parent; a row with NULL in one is no orphan'),
  references: columnNames
    .optional()
    .describe('The columns of the parents that they name; their primary key if left out'),
});
export type OrphanOf = z.infer<typeof orphanSetting>;

/** Where rows are kept once they left their table. */
export const archiveSetting = z
  .strictObject({
    table: z.string().min(1).optional().describe('Another table with the same columns, in the same database'),
    directory: z
      .string()
      .regex(/^\//, { message: 'must be an absolute path' })
      .optional()
      .describe('A folder for compressed files with one line of JSON for each row'),
  })
  .refine(({ table, directory }) => (table === undefined) !== (directory === undefined), {
    message: 'name a table or a directory, one of the two',
  });
export type Archive = z.infer<typeof archiveSetting>;

/** A table whose rows go when the rows that they name are stripped. */
const stripChildSetting = z.strictObject({
  table: z.string().min(1).describe('A table whose rows go, with their keys at the rows that are stripped'),
  key: columnName.describe('Its column that names the row'),
  references: columnName.optional().describe('The column that it names; the primary key where left out'),
  where: z.string().min(1).optional().describe('Only its rows for which this SQL condition is true'),
});
export type StripChild = z.infer<typeof stripChildSetting>;

/** What goes of a row that stays. */
export const stripSetting = z
  .strictObject({
    columns: z.array(columnName).min(1).optional().describe('Columns that become NULL'),
    children: z.array(stripChildSetting).min(1).optional().describe('Tables whose rows go'),
  })
  .refine(({ columns, children }) => columns !== undefined || children !== undefined, {
    message: 'name columns, children or both',
  });

/** What becomes of the rows of a rule. */
export const actionSetting = z.enum(['delete', 'soft-delete', 'strip']);

interface ActionParts {
  readonly action: z.infer<typeof actionSetting>;
  readonly mark?: unknown;
  readonly strip?: unknown;
  readonly archive?: unknown;
}

/** What is wrong with the parts of a rule that say what becomes of its rows; undefined where they fit. */
export function actionFault({
  action,
  mark,
  strip,
  archive,
}: ActionParts): { readonly path: string[]; readonly message: string } | undefined {
  if (action === 'delete' && mark !== undefined)
    return { path: ['mark'], message: 'only the actions soft-delete and strip have a mark' };
  if (action !== 'strip' && strip !== undefined) return { path: ['strip'], message: 'only the action strip has strip' };
  if (action !== 'delete' && mark === undefined)
    return { path: ['mark'], message: 'name the column that is set: mark' };
  if (action === 'strip' && strip === undefined) return { path: ['strip'], message: 'say what goes: strip' };
  if (action !== 'delete' && archive !== undefined)
    return { path: ['archive'], message: 'only rows that are deleted are archived' };
  return undefined;
}

/** What the map says for rows that stay for ever. */
export const NEVER = 'never';

/** Ages by a column of another table. */
export const planAgesSetting = z.strictObject({
  from: z
    .string()
    .regex(/^.+\.[^.]+$/, { message: 'must name table and column, such as users.plan' })
    .describe('Table and column that say which age holds for a row, such as users.plan'),
  key: columnName.describe('The column of the rule that names a row there'),
  references: columnName.optional().describe('The column there that it names; the primary key where left out'),
  map: z
    .record(z.string(), z.string().min(1))
    .refine((map) => Object.values(map).some((age) => age !== NEVER), {
      message: `no age is given but ${NEVER}: leave the rule out`,
    })
    .describe('A PostgreSQL interval or never for each value of that column; other values mean never'),
  min: z.string().min(1).describe('No interval of the map may be shorter: what keeps a slip from emptying a table'),
  max: z.string().min(1).describe('No interval of the map may be longer'),
});
export type PlanAges = z.infer<typeof planAgesSetting>;
