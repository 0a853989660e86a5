import { withholdFromPrograms } from '../adapters/program-environment.ts';
import { Secret } from '../base/secret.ts';
import type { Task } from '../engine/task.ts';
import { assembleConfig, type Config } from './config.ts';
import { effective } from './effective.ts';
import { check, type Objection } from './explain.ts';
import { findConfig, type FindRequest, type FoundFile } from './find.ts';
import { interpolate, withoutValues } from './interpolate.ts';
import { environmentLayers, flagLayers, layerOf, withLayers, type Layer, type SettingOverride } from './layers.ts';
import { problemsError, type ConfigProblem } from './problem.ts';
import { configSchema } from './schema.ts';
import { formatPath, startsWith, withoutPlaces, type Path } from './tree.ts';

/** What to read a configuration from. */
export interface ConfigRequest extends FindRequest {
  /** Every task there is, in running order. */
  readonly tasks: readonly Task[];
  /** Settings from the command line, stronger than those of the file. */
  readonly overrides?: readonly SettingOverride[];
}

/** A configuration, or everything that is wrong with it. */
export interface ConfigCheck {
  /** The file that was looked at; null where there is none. */
  readonly file: string | null;
  /** In the order of their lines; empty where all is well. */
  readonly problems: readonly ConfigProblem[];
  /** Undefined where there is a problem. */
  readonly config: Config | undefined;
}

/**
 * Finds, reads and checks the configuration. Without a file everything is a default, and the database is DATABASE_URL.
 * @throws MaintError CONFIG_NOT_FOUND when a named file is missing, CONFIG_INVALID with every problem at once, USAGE
 *   when only flags are wrong
 */
export async function loadConfig(request: ConfigRequest): Promise<Config> {
  const { problems, config } = await checkConfig(request);
  if (config === undefined) throw problemsError(problems);
  return config;
}

/**
 * As `loadConfig`, but answers with the problems as data.
 * @throws MaintError CONFIG_NOT_FOUND when a named file is missing, CONFIG_INVALID when a file cannot be read at all
 */
export async function checkConfig(request: ConfigRequest): Promise<ConfigCheck> {
  const { wrong: _, ...checked } = await examine(request, await readWritten(await findConfig(request)));
  return checked;
}

/** Nothing that a person writes is nested deeper; each round takes the wrong places out, or what they lie in. */
const SALVAGE_ROUNDS = 8;

/**
 * As `checkConfig`, for a command that goes on with what is right: wherever there is a problem the default takes its
 * place, and `config` is that; it is undefined only where even this leads nowhere.
 * @throws MaintError CONFIG_NOT_FOUND when a named file is missing, CONFIG_INVALID when a file cannot be read at all
 */
export async function salvageConfig(request: ConfigRequest): Promise<ConfigCheck> {
  let written = await readWritten(await findConfig(request));
  const { wrong: _, ...first } = await examine(request, written);
  if (first.config !== undefined) return first;
  written = { ...written, settings: written.settings ?? {}, problems: [] };
  let left: readonly Path[] = [];
  for (let round = 0; round < SALVAGE_ROUNDS; round += 1) {
    const { config, wrong } = await examine(request, written, left);
    if (config !== undefined) return { ...first, config };
    left = [...left, ...wrong.map(({ path }) => path)];
    const inFile = wrong.filter(({ isInFile }) => isInFile).map(({ path }) => path);
    written = { ...written, settings: withoutPlaces(written.settings, inFile) };
  }
  return first;
}

interface Examined extends ConfigCheck {
  /** The places of the problems. */
  readonly wrong: readonly { readonly path: Path; readonly isInFile: boolean }[];
}

/** @param left places that no layer may fill either */
async function examine(request: ConfigRequest, written: Written, left: readonly Path[] = []): Promise<Examined> {
  const { file } = written;
  if (written.settings === undefined) return { file, problems: written.problems, config: undefined, wrong: [] };

  const { value, filled, problems: unfilled } = interpolate(written.settings, request.env);
  const isLeft = ({ path }: Layer): boolean => left.some((place) => startsWith(path, place));
  const environment = environmentLayers(value, request.env).filter((layer) => !isLeft(layer));
  const flags = flagLayers(request.overrides ?? []).filter((layer) => !isLeft(layer));
  const schema = configSchema(request.tasks);
  const { output, objections } = await check(schema, withLayers(value, [...environment, ...flags]));
  const report = reporter(written, [...environment, ...flags]);
  const problems = [
    ...written.problems,
    ...unfilled.map((gap) => report({ ...gap, suggestion: null })),
    ...objections
      .filter(({ path }) => !unfilled.some((gap) => startsWith(path, gap.path)))
      .map((objection) => report({ ...objection, message: withoutValues(objection.message, objection.path, filled) })),
  ].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (output === undefined || problems.length > 0) {
    const layers = [...environment, ...flags];
    const wrong = [...unfilled, ...objections].map(({ path }) => ({
      path,
      isInFile: layerOf(path, layers) === undefined,
    }));
    return { file, problems, config: undefined, wrong };
  }

  withholdFromPrograms(secretVariables(output, filled));
  const config = assembleConfig({
    file,
    cwd: request.cwd,
    tasks: request.tasks,
    settings: output,
    assumptions: [
      ...(file === null ? ['no configuration file: everything below is a default'] : []),
      ...environment.map(({ path, origin }) => `${path[0]} from ${origin}`),
    ],
    effective: effective(schema, withLayers(written.settings, flags)) ?? {},
  });
  return { file, problems, config, wrong: [] };
}

/**
 * Names of the variables that are a secret, hold one, or are a part of one: passwords, keys, addresses with a token. Whatever
 * leads to the live database counts, too.
 */
function secretVariables(settings: unknown, filled: ReturnType<typeof interpolate>['filled']): readonly string[] {
  const secrets = secretsIn(settings);
  const isSecret = (value: string): boolean =>
    secrets.some((secret) => secret.maskIn(value) !== value || secret.holds(value));
  return filled.filter(({ path, value }) => path[0] === 'database' || isSecret(value)).map(({ name }) => name);
}

function secretsIn(settings: unknown): readonly Secret[] {
  if (settings instanceof Secret) return [settings];
  return typeof settings === 'object' && settings !== null ? Object.values(settings).flatMap(secretsIn) : [];
}

/** A file as it was written, before anything is filled in. */
interface Written {
  readonly file: string | null;
  /** Undefined where the text is too broken to go on. */
  readonly settings: unknown;
  readonly problems: readonly ConfigProblem[];
  readonly lineOf: (path: Path) => number | null;
}

async function readWritten(found: FoundFile | undefined): Promise<Written> {
  if (found === undefined) return { file: null, settings: {}, problems: [], lineOf: () => null };
  const { file } = found;
  if ('value' in found) return { file, settings: found.value ?? null, problems: [], lineOf: () => null };
  // The parser is large, and not every run has a file.
  const { parseText } = await import('./parse.ts');
  const { settings, problems, lineOf } = parseText(found.text);
  return {
    file,
    settings,
    problems: problems.map((problem) => ({ source: 'file', origin: file, path: '', suggestion: null, ...problem })),
    lineOf,
  };
}

/** Makes the function that says where an objection comes from: a layer, a line of the file, or the defaults. */
function reporter({ file, lineOf }: Written, layers: readonly Layer[]): (objection: Objection) => ConfigProblem {
  return ({ path, message, suggestion }) => {
    const layer = layerOf(path, layers);
    const rest = { path: formatPath(path), message, suggestion };
    if (layer !== undefined) return { source: layer.source, origin: layer.origin, line: null, ...rest };
    if (file === null) return { source: 'default', origin: 'no configuration file', line: null, ...rest };
    return { source: 'file', origin: file, line: lineOf(path), ...rest };
  };
}
