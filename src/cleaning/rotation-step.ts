import type { AnchoredFolder } from '../adapters/anchored-folder.ts';
import { openFiles, type OpenFiles } from '../adapters/open-files.ts';
import { runProgram } from '../adapters/programs.ts';
import { Turns } from '../adapters/turns.ts';
import { MaintError } from '../base/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Step, StepContext } from '../engine/task.ts';
import { findLogs, type FoundLog } from './find-logs.ts';
import { within, type Obstacle } from './measure.ts';
import { putAside, tidyLog, type Tidied } from './rotate-log.ts';
import { rotationIntent, rotationOutcome, type Aside } from './rotation-outcome.ts';
import { isDue } from './rotation-plan.ts';
import type { Rotation } from './rotation-settings.ts';
import { openRoot, type Looking } from './rule-step.ts';

/** How long the command may take that tells a program to open its logs anew. */
const REOPEN_TIMEOUT_MS = 30_000;
/** So much later than its name says, a file that was put aside was still written to. */
const LATE_MS = 1_000;

/** Looks which logs a rotation would put aside, and makes the step that does. */
export async function rotationStep(rotation: Rotation, context: Looking): Promise<Step> {
  const title = `logs ${rotation.name}`;
  const opened = await openRoot(rotation.root, context.backups.directory);
  if ('outcome' in opened) return { title, intent: [opened.outcome.summary], perform: async () => opened.outcome };
  using root = opened.root;
  const { logs, aside } = await look(root, rotation, context.signal);
  return {
    title,
    intent: rotationIntent(rotation, { logs, aside }, context.now()),
    perform: (step) => perform(rotation, step),
  };
}

interface Seen {
  readonly logs: readonly FoundLog[];
  readonly aside: readonly Aside[];
}

async function look(root: AnchoredFolder, rotation: Rotation, signal: AbortSignal): Promise<Seen> {
  const aside: Aside[] = [];
  const onAside = (path: string, obstacle: Obstacle): number => aside.push({ path, obstacle });
  const logs = await findLogs(root, { rotation, pauses: { turns: new Turns(), signal }, onAside });
  return { logs, aside };
}

async function perform(rotation: Rotation, context: StepContext): Promise<Outcome> {
  const opened = await openRoot(rotation.root, context.backups.directory);
  if ('outcome' in opened) return opened.outcome;
  using root = opened.root;
  const { logs, aside } = await look(root, rotation, context.signal);
  const at = context.now();
  const open = openFiles();
  const failures: MaintError[] = [];
  let [asideCount, asideBytes] = [0, 0];
  for (const log of logs.filter((each) => isDue(each, rotation, at.getTime()))) {
    if (context.signal.aborted) break;
    const bytes = await attempted(failures, () =>
      inFolder(root, log, (folder) => putAside({ rotation, folder, log, signal: context.signal }, at, open)),
    );
    if (bytes === undefined) continue;
    context.log.info({ rotation: rotation.name, log: pathOf(log), bytes }, 'log put aside');
    asideCount += 1;
    asideBytes += bytes;
  }
  const isReopened = rotation.method === 'rename' && (asideCount > 0 || logs.some((log) => isForsaken(log, open)));
  if (isReopened) await attempted(failures, () => reopen(rotation));
  const tidied = await tidyAll({ rotation, root, failures }, context);
  return rotationOutcome(rotation, { logs, aside, asideCount, asideBytes, tidied, failures, isReopened });
}

interface Round {
  readonly rotation: Rotation;
  readonly root: AnchoredFolder;
  readonly failures: MaintError[];
}

/** Looks anew, for the round before has put logs aside. */
async function tidyAll({ rotation, root, failures }: Round, context: StepContext): Promise<readonly Tidied[]> {
  const { signal } = context;
  if (signal.aborted) return [];
  const tidied: Tidied[] = [];
  const open = openFiles();
  const { logs } = await look(root, rotation, signal);
  for (const [index, log] of logs.entries()) {
    const one = await attempted(failures, () =>
      inFolder(root, log, (folder) => tidyLog({ rotation, folder, log, signal }, open)),
    );
    if (one !== undefined) tidied.push(one);
    context.progress({ done: index + 1, total: logs.length, unit: 'items' });
  }
  return tidied;
}

/** A run was killed between the rename and the command: the program still writes to what was put aside. */
function isForsaken({ current, rotated }: FoundLog, open: OpenFiles): boolean {
  const newest = rotated.at(-1);
  if (newest?.form !== 'plain') return false;
  if (open.writers(newest.state).length > 0) return true;
  return current === undefined && newest.state.modifiedMs > newest.at.getTime() + LATE_MS;
}

/** Not stopped by a signal: logs that were renamed are not left like that. */
async function reopen({ reopen: command = [] }: Rotation): Promise<void> {
  const [file = '', ...args] = command;
  await runProgram({ file, args, kind: 'configured', timeoutMs: REOPEN_TIMEOUT_MS });
}

async function inFolder<T>(
  folder: AnchoredFolder,
  log: FoundLog,
  work: (folder: AnchoredFolder) => Promise<T>,
  rest = log.folder,
): Promise<T> {
  if (rest === '') return work(folder);
  const [name = '', ...below] = rest.split('/');
  const done = await within(folder, name, async (inner) => ({
    value: await inFolder(inner, log, work, below.join('/')),
  }));
  if (typeof done === 'string')
    throw new MaintError('FILE_UNUSABLE', `${folder.path}/${name} cannot be entered (${done})`);
  return done.value;
}

/** One log that cannot be worked on says nothing about the next. */
async function attempted<T>(failures: MaintError[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    failures.push(error);
    return undefined;
  }
}

function pathOf({ folder, name }: FoundLog): string {
  return folder === '' ? name : `${folder}/${name}`;
}
