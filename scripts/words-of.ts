import { z } from 'zod';
import type { Task, TaskFlag } from '../src/engine/task.ts';
import type { FlagWords, NumberRange, SettingWords, TaskWords } from '../src/engine/words.ts';

type Schema = z.core.JSONSchema.JSONSchema;

/** Puts a task into words: what help, completion and usage errors have to know of it. */
export function wordsOf(task: Task): TaskWords {
  const { name, summary, tier, effect, examples } = task;
  const schema = z.toJSONSchema(task.settings, { io: 'input' });
  const flags = (task.flags ?? []).map((flag) => flagWords(flag, { task, schema }));
  return { name, summary, tier, effect, flags, examples, settings: settingsBelow('', schema) };
}

interface Owner {
  readonly task: Task;
  readonly schema: Schema;
}

function flagWords(flag: TaskFlag, { task, schema }: Owner): FlagWords {
  const setting = property(schema, flag.setting);
  if (setting === undefined)
    throw new Error(`${task.name}: ${flag.flag} stands for the setting ${flag.setting}, which does not exist`);
  const isNumber = setting.type === 'integer' || setting.type === 'number';
  return isNumber && flag.flag.includes('<') ? { ...flag, number: rangeOf(setting) } : flag;
}

function property(schema: Schema, name: string): Schema | undefined {
  const found = schema.properties?.[name];
  return typeof found === 'object' ? found : undefined;
}

/** One line for each setting, blocks opened up, in the order of the schema. */
function settingsBelow(prefix: string, schema: Schema): readonly SettingWords[] {
  return Object.keys(schema.properties ?? {}).flatMap((name) => {
    const inner = property(schema, name);
    return inner === undefined ? [] : settingLines(prefix + name, inner, schema.required?.includes(name) === true);
  });
}

function settingLines(key: string, schema: Schema, isRequired: boolean): readonly SettingWords[] {
  if (schema.properties !== undefined) return settingsBelow(`${key}.`, schema);
  const description = schema.description ?? '';
  const line = { key, type: typeWords(schema), fallback: fallbackWords(schema, isRequired), description };
  const items = typeof schema.items === 'object' && !Array.isArray(schema.items) ? schema.items : undefined;
  return items?.properties === undefined ? [line] : [line, ...settingsBelow(`${key}[].`, items)];
}

function fallbackWords(schema: Schema, isRequired: boolean): string {
  if (schema.default === undefined) return isRequired ? 'required' : 'optional';
  const isEmptyList = Array.isArray(schema.default) && schema.default.length === 0;
  return `default ${isEmptyList ? 'none' : shown(schema.default)}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  null: 'nothing',
  object: 'block',
};

function typeWords(schema: Schema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map(shown).join(', ')}`;
  if (schema.const !== undefined) return shown(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined)
    return choices.map((each) => (typeof each === 'object' ? typeWords(each) : 'anything')).join(' or ');
  if (schema.type === 'array') return `list of ${itemWords(schema)}`;
  if (schema.type === 'integer' || schema.type === 'number') return numberWords(rangeOf(schema));
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(', ')} }`;
  if (schema.title !== undefined) return schema.title;
  if (schema.format === 'uri') return 'URL';
  return SIMPLE[String(schema.type)] ?? 'anything';
}

function itemWords({ items }: Schema): string {
  if (typeof items !== 'object' || Array.isArray(items)) return 'anything';
  return items.properties === undefined ? typeWords(items) : 'blocks';
}

/** What JSON Schema says of a number; the bounds of JavaScript's own whole numbers mean nothing to a person. */
function rangeOf({ type, minimum, maximum, exclusiveMinimum }: Schema): NumberRange {
  const isWhole = type === 'integer';
  const least = minimum ?? (isWhole && exclusiveMinimum !== undefined ? Number(exclusiveMinimum) + 1 : undefined);
  return {
    ...(isMeant(least) && { minimum: least }),
    ...(isMeant(maximum) && { maximum }),
    ...(isWhole && { isWhole }),
  };
}

function isMeant(bound: number | undefined): bound is number {
  return bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
}

function numberWords({ minimum, maximum, isWhole }: NumberRange): string {
  const noun = isWhole === true ? 'whole number' : 'number';
  const from = minimum === undefined ? '' : ` from ${minimum}`;
  return `${noun}${from}${maximum === undefined ? '' : ` to ${maximum}`}`;
}
