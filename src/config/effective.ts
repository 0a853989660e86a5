import { z } from 'zod';
import { secretSetting } from '../adapters/secret-setting.ts';
import type { Json } from '../base/json.ts';
import { redacted } from '../base/printable.ts';
import { isMapping } from './tree.ts';

const HIDDEN = '[secret]';

/**
 * Fills the defaults of a schema into settings as a person wrote them, and hides every secret: what can be shown.
 * Works on the text before `${NAME}` is filled in, so that nothing of the environment is repeated either.
 * @param schema the schema that the settings were checked against
 * @param given the settings, already found to be right
 * @returns undefined where nothing is set and there is no default
 */
export function effective(schema: z.core.$ZodType, given: unknown): Json | undefined {
  if (isSecret(schema)) return given === undefined ? undefined : HIDDEN;
  if (schema instanceof z.ZodDefault)
    return given === undefined ? shown(schema.def.defaultValue) : effective(schema.unwrap(), given);
  if (schema instanceof z.ZodPrefault)
    return effective(schema.unwrap(), given === undefined ? schema.def.defaultValue : given);
  if (isWrapper(schema)) return effective(schema.unwrap(), given);
  if (schema instanceof z.ZodPipe)
    return effective(schema.in instanceof z.ZodTransform ? schema.out : schema.in, given);
  if (schema instanceof z.ZodObject && isMapping(given)) return mapping(schema, given);
  if (schema instanceof z.ZodRecord && isMapping(given))
    return compact(Object.entries(given).map(([key, value]) => [key, effective(schema.valueType, value)]));
  if (schema instanceof z.ZodArray && Array.isArray(given))
    return given.map((item) => effective(schema.element, item) ?? null);
  if (schema instanceof z.ZodUnion) return alternative(schema.options, given);
  return shown(given);
}

function mapping(schema: z.ZodObject, given: Readonly<Record<string, unknown>>): Json {
  const entries = Object.entries(schema.shape);
  return compact(entries.map(([key, value]) => [key, effective(value, given[key])]));
}

/** Shows a value by the alternative that it was written for; one that fits nowhere is hidden, for it may be a secret. */
function alternative(options: readonly z.core.$ZodType[], given: unknown): Json | undefined {
  if (given === undefined) return undefined;
  const option = options.find((candidate) => fits(candidate, given));
  return option === undefined ? HIDDEN : effective(option, given);
}

/** Could this alternative have been meant? Looks at kinds and fixed words only, for a full check would read secrets again. */
function fits(schema: z.core.$ZodType, given: unknown): boolean {
  if (isSecret(schema)) return typeof given === 'string' || isMapping(given);
  if (isWrapper(schema) || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return given === undefined || fits(schema.unwrap(), given);
  if (schema instanceof z.ZodPipe) return fits(schema.in, given);
  if (schema instanceof z.ZodUnion) return schema.options.some((option) => fits(option, given));
  if (schema instanceof z.ZodArray) return Array.isArray(given);
  if (schema instanceof z.ZodRecord) return isMapping(given);
  if (schema instanceof z.ZodLiteral || schema instanceof z.ZodEnum) return schema.safeParse(given).success;
  if (schema instanceof z.ZodObject) {
    if (!isMapping(given) || !Object.keys(given).every((key) => key in schema.shape)) return false;
    return Object.entries(schema.shape).every(([key, value]) => fits(value, given[key]));
  }
  return schema instanceof z.ZodType && schema._zod.def.type === typeof given;
}

function isWrapper(schema: z.core.$ZodType): schema is z.ZodOptional | z.ZodNullable | z.ZodReadonly {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly;
}

/** A described or optional secret is a copy of the schema that still shares its input. */
function isSecret(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodPipe && schema.in === secretSetting.in;
}

/** Plain data as it stands, the password of any URL hidden. */
function shown(value: unknown): Json | undefined {
  if (typeof value === 'string') return redacted(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => shown(item) ?? null);
  if (isMapping(value)) return compact(Object.entries(value).map(([key, item]) => [key, shown(item)]));
  return value === undefined ? undefined : HIDDEN;
}

function compact(entries: readonly (readonly [string, Json | undefined])[]): Json {
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}
