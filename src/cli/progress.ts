import { printable } from '../base/printable.ts';
import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { Sink, World } from '../base/world.ts';
import type { RunObserver } from '../engine/run.ts';
import type { Progress } from '../engine/task.ts';
import { displayWidth } from './layout.ts';

/** Shorter steps are over before anyone wonders. */
const PATIENCE_MS = 2_000;
const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** A line at the bottom of the terminal that says how far a long step is. */
export interface ProgressLine extends RunObserver, Disposable {
  /** stderr for others: takes the line away while they write. */
  readonly aside: Sink;
}

/** Where a progress line lives. */
export interface ProgressRequest {
  readonly world: Pick<World, 'stderr' | 'monotonicMs'>;
  /** False under cron and with --json: then nothing is ever drawn. */
  readonly isWanted: boolean;
  /** Calls back again and again until the returned function is called. */
  readonly every?: (intervalMs: number, callback: () => void) => () => void;
}

interface CurrentStep {
  readonly label: string;
  readonly startedMs: number;
  progress: Progress | undefined;
}

/** Draws nothing where stderr is no terminal. */
export function openProgress({ world, isWanted, every = everyInterval }: ProgressRequest): ProgressLine {
  const { stderr } = world;
  const isOn = isWanted && stderr.isTerminal;
  let step: CurrentStep | undefined;
  let drawnMs = -Infinity;
  let isDrawn = false;

  const clear = (): void => {
    if (isDrawn) stderr.write(CLEAR_LINE);
    isDrawn = false;
  };
  const draw = (): void => {
    const nowMs = world.monotonicMs();
    if (!isOn || step === undefined) return;
    if (nowMs - step.startedMs < PATIENCE_MS || nowMs - drawnMs < REDRAW_MS) return;
    stderr.write(CLEAR_LINE + fitted(progressText(step, nowMs - step.startedMs), stderr.columns));
    drawnMs = nowMs;
    isDrawn = true;
  };
  const stop = isOn ? every(500, draw) : () => undefined;

  return {
    stepStarted(task, title) {
      step = { label: printable(`${task}: ${title}`), startedMs: world.monotonicMs(), progress: undefined };
    },
    progressed(progress) {
      if (step !== undefined) step.progress = progress;
      draw();
    },
    stepEnded() {
      step = undefined;
      clear();
    },
    aside: {
      isTerminal: stderr.isTerminal,
      columns: stderr.columns,
      write(text) {
        clear();
        stderr.write(text);
      },
    },
    [Symbol.dispose]() {
      stop();
      clear();
    },
  };
}

function everyInterval(intervalMs: number, callback: () => void): () => void {
  const timer = setInterval(callback, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** What the line says: what, how far, how fast, how long still. */
function progressText({ label, progress }: CurrentStep, elapsedMs: number): string {
  if (progress === undefined) return `${label}  ${formatDuration(elapsedMs)}`;
  const { done, total, unit } = progress;
  const amount = (count: number): string => (unit === 'bytes' ? formatBytes(count) : formatCount(Math.round(count)));
  const perSecond = done / (elapsedMs / 1_000);
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  const rate = `${amount(perSecond)}${noun}/s`;
  if (total === undefined || total <= 0)
    return `${label}  ${amount(done)}${noun}  ${rate}  ${formatDuration(elapsedMs)}`;
  const share = Math.min(1, done / total);
  // Rounded down, so that 100 % means all of it.
  const percent = `${Math.floor(share * 100)} %`;
  const left = done > 0 ? `  ${formatDuration(((1 - share) / share) * elapsedMs)} left` : '';
  return `${label}  ${amount(done)} of ${amount(total)}${noun} (${percent})  ${rate}${left}`;
}

/** Cuts from the left of the label's end, so that the numbers stay. One line only: a wrapped one cannot be redrawn. */
function fitted(text: string, columns: number): string {
  const excess = displayWidth(text) - (columns - 1);
  if (excess <= 0) return text;
  const split = text.indexOf('  ');
  const [label, numbers] = [text.slice(0, split), text.slice(split)];
  const kept = [...label].slice(0, Math.max(0, displayWidth(label) - excess - 1)).join('');
  return [...`${kept}…${numbers}`].slice(0, Math.max(0, columns - 1)).join('');
}
