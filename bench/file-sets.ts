/**
 * How long does a file set of a backup take, with a checksum of each file and everything read back, against
 * `tar | zstd`? Run it as `node bench/file-sets.ts [thousands of small files=60] [megabytes of large ones=800] [rounds=3]`.
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whichProgram } from '../src/adapters/programs.ts';
import { judged, MB, measureSuccess, shell, type Command, type Measure } from './measure.ts';
import { benchFolder, COLUMNS, race, table, times, timesCpu, type Contenders } from './race.ts';

const [thousands = 60, megabytes = 800, rounds = 3] = process.argv.slice(2, 5).map(Number);
/** That of the dump. */
const LEVEL = 1;
const MOST_OF_RAW = 1.5;

const zstd = await whichProgram('zstd', process.env['PATH']);
const RAW = `tar \\| zstd -${LEVEL} -T2`;
using scratch = benchFolder();
const place = scratch.path;
for (const [name, make] of [
  [`${thousands},000 small files`, makeSmall],
  [`${megabytes} MB in 2 files`, makeLarge],
] as const) {
  const folder = join(place, 'files');
  make(folder);
  const found = await race(contendersFor(folder), { rounds, warmsUp: true, run: writeOnce });
  const columns = { ...COLUMNS, '× tar and zstd': times(found, RAW), '× its CPU': timesCpu(found, RAW) };
  console.log(`\n${name}, ${rounds} rounds, the median of each\n\n${table(found, columns)}\n`);
  const ours = `maint, level ${LEVEL}`;
  console.log(`${judged('× tar and zstd', found.wallSeconds(ours) / found.wallSeconds(RAW), MOST_OF_RAW)}\n`);
  rmSync(folder, { recursive: true });
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

function contendersFor(folder: string): Contenders {
  const out = join(place, 'out');
  const once = {
    file: process.execPath,
    args: [join(import.meta.dirname, 'file-set-once.ts'), folder, out, `${LEVEL}`],
  };
  return {
    [RAW]: shell(`tar -c -C ${folder} . | zstd -${LEVEL} -T2 -q -f -o ${place}/raw && sync ${place}/raw`),
    [`maint, level ${LEVEL}`]: { ...once, args: zstd === undefined ? once.args : [...once.args, zstd] },
  };
}

async function writeOnce(command: Command): Promise<Measure> {
  rmSync(join(place, 'out'), { recursive: true, force: true });
  return withoutStart(await measureSuccess(command));
}

/** A program that says how long the file set took is not charged with its own start, which a backup pays once. */
function withoutStart(measure: Measure): Measure {
  const seconds = /, ([\d.]+) s\n$/.exec(measure.said)?.[1];
  return seconds === undefined ? measure : { ...measure, wallSeconds: Number(seconds) };
}
