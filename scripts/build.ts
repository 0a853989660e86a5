/**
 * Writes `dist/`: few files instead of some six hundred, for starting a program is mostly looking for its files.
 * Types are looked at by `npm run check:types`.
 */
import { join } from 'node:path';
import { build } from 'rolldown';

const ROOT = join(import.meta.dirname, '..');

/** Packages that stay where npm put them: they are loaded rarely, or look for files beside themselves. */
const OUTSIDE = /^(?:@aws-sdk\/client-s3|age-encryption|execa|nodemailer|pino|tar)(?:\/|$)|^node:/;

await build({
  cwd: ROOT,
  input: { main: 'src/cli/main.ts' },
  platform: 'node',
  external: OUTSIDE,
  transform: { target: 'es2024' },
  onLog: (level, { message }) => {
    if (level !== 'debug' && level !== 'info') throw new Error(message);
  },
  output: { dir: 'dist', cleanDir: true, entryFileNames: 'cli/[name].js', chunkFileNames: 'cli/[name].js' },
});
