import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { memoryFacts } from '../../src/adapters/memory-facts.ts';
import { test } from '../support/state.ts';

const MB = 2 ** 20;
const MEMINFO = 'MemTotal:        1024000 kB\nMemFree:           51200 kB\nMemAvailable:     512000 kB\n';

/** Writes files as the kernel shows them. */
function kernel(folder: string, files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { proc: join(folder, 'proc'), cgroup: join(folder, 'cgroup') };
}

test('without a limit the host counts, and file caches are no loss', async ({ folder }) => {
  const places = kernel(folder, {
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': '9:name=systemd:/\n0::/\n',
    'cgroup/memory.max': 'max\n',
    'cgroup/memory.current': '1000\n',
  });
  expect(memoryFacts(places)).toEqual({
    of: 'host',
    totalBytes: 1_000 * MB,
    availableBytes: 500 * MB,
    oomKills: undefined,
  });
});

test('the limit of the own control group counts before that of the host', async ({ folder }) => {
  const places = kernel(folder, {
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': '0::/app.slice/app.service\n',
    'cgroup/app.slice/app.service/memory.max': String(200 * MB),
    'cgroup/app.slice/app.service/memory.current': String(150 * MB),
    'cgroup/app.slice/app.service/memory.stat': `anon 1\nactive_file 5\ninactive_file ${30 * MB}\n`,
    'cgroup/app.slice/app.service/memory.events': 'low 0\noom 4\noom_kill 3\noom_group_kill 0\n',
  });
  expect(memoryFacts(places)).toEqual({
    of: 'control group',
    totalBytes: 200 * MB,
    availableBytes: 80 * MB,
    oomKills: 3,
  });
});

test('a tighter limit further up counts, and so does a host that has less left', async ({ folder }) => {
  const files = {
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': '0::/app.slice/app.service\n',
    'cgroup/app.slice/memory.max': String(100 * MB),
    'cgroup/app.slice/memory.current': String(90 * MB),
    'cgroup/app.slice/app.service/memory.max': String(200 * MB),
    'cgroup/app.slice/app.service/memory.current': String(10 * MB),
  };
  expect(memoryFacts(kernel(folder, files))).toMatchObject({ of: 'control group', availableBytes: 10 * MB });
  const poorHost = { ...files, 'proc/meminfo': MEMINFO.replace('512000', '5120') };
  expect(memoryFacts(kernel(folder, poorHost))).toMatchObject({ of: 'host', availableBytes: 5 * MB });
});

test('a system without /proc/meminfo tells nothing', async ({ folder }) => {
  expect(memoryFacts(kernel(folder, {}))).toBeUndefined();
});
