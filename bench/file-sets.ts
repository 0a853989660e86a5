/**
 * How long does a file set of a backup take, with a checksum of each file and everything read back, against
 * `tar | zstd`? Run it as `node bench/file-sets.ts [thousands of small files=60] [megabytes of large ones=800] [rounds=3]`.
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whichProgram } from '../src/adapters/programs.ts';
import { judged, markdown, MB, measureSuccess, median, shell, type Command, type Measure } from './measure.ts';

const [thousands = 60, megabytes = 800, rounds = 3] = process.argv.slice(2, 5).map(Number);
/** That of the dump. */
const LEVEL = 1;
const MOST_OF_RAW = 1.5;

const zstd = await whichProgram('zstd', process.env['PATH']);
const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
try {
  for (const [name, make] of [
    [`${thousands},000 small files`, makeSmall],
    [`${megabytes} MB in 2 files`, makeLarge],
  ] as const) {
    const folder = join(place, 'files');
    make(folder);
    const measures = await race(contendersFor(folder));
    console.log(`${name}, ${rounds} rounds, the median of each\n\n${table(measures)}\n\n${verdict(measures)}\n`);
    rmSync(folder, { recursive: true });
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}

/** As uploads are: many below 16 KiB, in folders of a thousand, half of the bytes compressible. */
function makeSmall(folder: string): void {
  const bytes = randomFillSync(Buffer.alloc(16_384)).fill('maint ', 8_192);
  for (let number = 0; number < thousands * 1_000; number += 1) {
    const below = join(folder, String(Math.floor(number / 1_000)));
    if (number % 1_000 === 0) mkdirSync(below, { recursive: true });
    const at = (number * 7_919) % 8_192;
    writeFileSync(join(below, `${number}.bin`), bytes.subarray(at, at + ((number * 104_729) % 8_192)));
  }
}

function makeLarge(folder: string): void {
  mkdirSync(folder);
  const piece = Buffer.alloc(MB);
  for (const name of ['one', 'two'])
    for (let written = 0; written < megabytes / 2; written += 1)
      writeFileSync(join(folder, name), randomFillSync(piece).fill('maint ', MB / 2), { flag: 'a' });
}

function contendersFor(folder: string): Readonly<Record<string, Command>> {
  const out = join(place, 'out');
  const once = {
    file: process.execPath,
    args: [join(import.meta.dirname, 'file-set-once.ts'), folder, out, `${LEVEL}`],
  };
  return {
    [`tar \\| zstd -${LEVEL} -T2`]: shell(
      `tar -c -C ${folder} . | zstd -${LEVEL} -T2 -q -f -o ${place}/raw && sync ${place}/raw`,
    ),
    ...(zstd !== undefined && { 'maint, with zstd': { ...once, args: [...once.args, zstd] } }),
    'maint, without zstd': once,
  };
}

/** In turn, so that what the machine does meanwhile meets each alike; the round before the first warms the caches. */
async function race(contenders: Readonly<Record<string, Command>>): Promise<ReadonlyMap<string, readonly Measure[]>> {
  const measures = new Map<string, Measure[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, command] of Object.entries(contenders)) {
      rmSync(join(place, 'out'), { recursive: true, force: true });
      const measured = withoutStart(await measureSuccess(command));
      if (round > 0) measures.get(name)?.push(measured);
    }
  }
  return measures;
}

/** A program that says how long the file set took is not charged with its own start, which a backup pays once. */
function withoutStart(measure: Measure): Measure {
  const seconds = /, ([\d.]+) s\n$/.exec(measure.said)?.[1];
  return seconds === undefined ? measure : { ...measure, wallSeconds: Number(seconds) };
}

/** Of the first of ours: the one with the program where that is installed. */
function verdict(measures: ReadonlyMap<string, readonly Measure[]>): string {
  const [raw = 0, ours = 0] = [...measures.values()].map((runs) => median(runs).wallSeconds);
  return judged('× tar and zstd', ours / raw, MOST_OF_RAW);
}

function table(measures: ReadonlyMap<string, readonly Measure[]>): string {
  const [raw = []] = measures.values();
  const rows = [...measures].map(([name, runs]) => {
    const middle = median(runs);
    return [
      name,
      middle.wallSeconds.toFixed(2),
      middle.cpuSeconds.toFixed(2),
      (Math.max(...runs.map(({ ownBytes }) => ownBytes)) / MB).toFixed(0),
      (middle.wallSeconds / median(raw).wallSeconds).toFixed(2),
      middle.foreignCpuSeconds.toFixed(1),
    ];
  });
  return markdown([['', 'wall s', 'CPU s', 'peak MB, resident', '× tar and zstd', 'CPU s of others'], ...rows]);
}
