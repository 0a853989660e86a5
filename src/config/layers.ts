import type { Json } from '../base/json.ts';
import { isMapping, startsWith, type Path } from './tree.ts';

/** One setting from the command line, for this invocation alone. */
export interface SettingOverride {
  readonly task: string;
  readonly setting: string;
  readonly value: Json;
  /** As typed, such as `--max-age`; a problem with the value names it. */
  readonly flag: string;
}

/** One setting that comes from somewhere else than the file. */
export interface Layer {
  readonly path: readonly string[];
  readonly value: Json;
  readonly source: 'environment' | 'flag';
  /** What a person has to change: `DATABASE_URL` or `--max-age`. */
  readonly origin: string;
}

/** The settings that flags set: stronger than the file. */
export function flagLayers(overrides: readonly SettingOverride[]): readonly Layer[] {
  return overrides.map(({ task, setting, value, flag }) => ({
    path: ['tasks', task, setting],
    value,
    source: 'flag',
    origin: flag,
  }));
}

const DATABASE_URL_PATH = ['database', 'url'];

/** The database of the environment: weaker than the file, so there is one only where the file names none. */
export function environmentLayers(
  settings: unknown,
  env: Readonly<Record<string, string | undefined>>,
): readonly Layer[] {
  const url = env['DATABASE_URL'];
  if (!url || valueAt(settings, DATABASE_URL_PATH) !== undefined) return [];
  return [{ path: DATABASE_URL_PATH, value: url, source: 'environment', origin: 'DATABASE_URL' }];
}

/** Lays settings over a tree, which stays as it was. What is no mapping stays, for the check to object to. */
export function withLayers(settings: unknown, layers: readonly Layer[]): unknown {
  return layers.reduce((tree, { path, value }) => withValue(tree, path, value), settings);
}

/** The layer that a place of the settings comes from; undefined where it is the file. */
export function layerOf(path: Path, layers: readonly Layer[]): Layer | undefined {
  return layers.find((layer) => startsWith(path, layer.path));
}

function withValue(tree: unknown, [key, ...rest]: readonly string[], value: Json): unknown {
  if (key === undefined) return value;
  if (tree !== undefined && !isMapping(tree)) return tree;
  return { ...tree, [key]: withValue(tree?.[key], rest, value) };
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((branch, key) => (isMapping(branch) ? branch[key] : undefined), tree);
}
