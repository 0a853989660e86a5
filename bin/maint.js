#!/usr/bin/env node
// The door: hands main() the real world and sets the exit code. No logic, and readable for an old Node.js too.
import module, { createRequire } from 'node:module';
import { world } from './world.js';

const OLDEST = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `maint: Node.js ${process.versions.node} is too old: maint needs ${OLDEST.join('.')} or newer (NODE_TOO_OLD)\n` +
      '  Install a newer Node.js, or in a checkout run `npx maint`, which brings its own.\n',
  );
  process.exitCode = 2;
} else {
  module.enableCompileCache?.();
  silenceExperimentWarnings();
  const { version } = createRequire(import.meta.url)('../package.json');
  const { main } = await import('../dist/cli/main.js');
  process.exitCode = await main(process.argv.slice(2), world({ version }));
  // What was given up on after its deadline must not keep the process alive.
  setTimeout(() => process.exit(), 2_000).unref();
}

/** Node.js 22 calls node:sqlite and globs experimental whenever they are used, which would break the silence under cron. */
function silenceExperimentWarnings() {
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning' && /^(SQLite|glob) /.test(warning.message)) return;
    for (const listener of listeners) listener(warning);
  });
}
