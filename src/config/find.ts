import { join, resolve } from 'node:path';
import { cosmiconfig, defaultLoaders, type Loader } from 'cosmiconfig';
import { metaSearchPlaces } from 'cosmiconfig/dist/defaults.js';
import { MaintError } from '../base/errors.ts';

// cosmiconfig looks for settings of its own in the working directory, and would run a `.config/config.js` found there.
metaSearchPlaces.length = 0;

const FILE_NAMES = ['maint.yaml', 'maint.yml', 'maint.json'];
/** Where the configuration of the whole machine lies. */
export const SYSTEM_DIRECTORY = '/etc/maint';

/** Where to look for a configuration file. */
export interface FindRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What `--config` names. */
  readonly configPath?: string | undefined;
  /** `/etc/maint` where left out. */
  readonly systemDirectory?: string | undefined;
}

/** A configuration file and what it holds: text still to be parsed, or the value that a module exports. */
export type FoundFile = { readonly file: string } & ({ readonly text: string } | { readonly value: unknown });

/**
 * Finds and reads the configuration file: `--config`, then `MAINT_CONFIG`, then the working directory, then the
 * system directory. Found ones are data; a module (`.ts`, `.js`, `.mjs`) is run only when it was named.
 * @returns undefined where there is none and none was named
 * @throws MaintError CONFIG_NOT_FOUND when a named file is missing, CONFIG_INVALID when a file cannot be read
 */
export async function findConfig(request: FindRequest): Promise<FoundFile | undefined> {
  const { env, cwd, configPath, systemDirectory = SYSTEM_DIRECTORY } = request;
  const named = configPath ?? (env['MAINT_CONFIG'] || undefined);
  if (named !== undefined)
    return readNamed(resolve(cwd, named), configPath === undefined ? 'MAINT_CONFIG' : '--config');
  for (const directory of [cwd, systemDirectory]) {
    for (const name of FILE_NAMES) {
      const found = await read(join(directory, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function readNamed(file: string, namedBy: string): Promise<FoundFile> {
  const found = await read(file);
  if (found !== undefined) return found;
  throw new MaintError('CONFIG_NOT_FOUND', `the file ${file}, named by ${namedBy}, does not exist`, {
    hint: 'Check the path; a relative one starts at the working directory, which under cron is the home directory.',
  });
}

const keepText: Loader = (_file, text) => text;

/** Wrapped in a list, so that cosmiconfig finds no `$import` in it. */
const runModule: Loader = async (file, text) => [await defaultLoaders['.js'](file, text)];

async function read(file: string): Promise<FoundFile | undefined> {
  const modules = Object.fromEntries(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'].map((end) => [end, runModule]));
  const data = { '.yaml': keepText, '.yml': keepText, '.json': keepText, noExt: keepText, default: keepText };
  const explorer = cosmiconfig('maint', { cache: false, loaders: { ...data, ...modules } });
  try {
    const config: unknown = (await explorer.load(file))?.config;
    if (Array.isArray(config)) return { file, value: config[0] };
    return { file, text: typeof config === 'string' ? config : '' };
  } catch (error) {
    if (isMissing(error)) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MaintError('CONFIG_INVALID', `${file} cannot be read: ${reason}`, {
      hint: 'Check that it is a file, that the user who runs maint may read it, and that it runs where it is a module.',
      cause: error,
    });
  }
}

/** Says the error that the file itself is missing? An error with a `filepath` comes from inside a module. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR') &&
    !('filepath' in error)
  );
}
