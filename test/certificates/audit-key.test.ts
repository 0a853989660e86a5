import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditKey, keysToAudit } from '../../src/certificates/audit-key.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { openWorkshop, type Made, type Workshop } from '../support/certificates.ts';

let workshop: Workshop;
let [app, other]: Made[] = [];
let folder: string;

beforeAll(() => {
  workshop = openWorkshop();
  [app, other] = ['app.test', 'other.test'].map((name) => workshop.make({ name }));
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maint-keys-'));
  // As /etc/nginx/ssl is: everybody may enter.
  chmodSync(folder, 0o755);
  return () => rmSync(folder, { recursive: true });
});
afterAll(() => workshop[Symbol.dispose]());

/** Puts a file there, with a mode, for a group that is not that of root. */
function put(name: string, from: string, mode = 0o600): string {
  const path = join(folder, name);
  copyFileSync(from, path);
  chmodSync(path, mode);
  if (getuid?.() === 0) chownSync(path, 0, 54_321);
  return path;
}

/** @returns what becomes of each key below the folder, by the name of its file */
async function audit(groupKeys = false): Promise<Readonly<Record<string, Outcome>>> {
  const places = await keysToAudit(folder);
  const outcomes = await Promise.all(places.map((place) => auditKey(place, groupKeys)));
  return Object.fromEntries(
    places.map(({ path }, index) => [path.slice(folder.length + 1), outcomes[index] ?? never()]),
  );
}

function never(): never {
  throw new Error('a key without an outcome');
}

function certificates(): { readonly app: Made; readonly other: Made } {
  return { app: app ?? never(), other: other ?? never() };
}

test('a key that its owner alone may read and that belongs to a certificate beside it is fine', async () => {
  const { app } = certificates();
  put('fullchain.pem', app.certificateFile, 0o644);
  put('privkey.pem', app.keyFile);
  expect(await audit()).toMatchObject({
    'privkey.pem': { status: 'done', summary: 'belongs to app.test, and is closed to others', facts: { mode: '600' } },
  });
});

test('a key that everybody may read fails, but not below a folder that is closed to them', async () => {
  const { app } = certificates();
  put('server.crt', app.certificateFile, 0o644);
  const path = put('server.key', app.keyFile, 0o644);
  expect(await audit()).toMatchObject({
    'server.key': {
      status: 'fail',
      summary: `the private key ${path} can be read by everybody on this host (mode 0644)`,
      detail: 'certificate.key_readable',
      remediation: expect.arrayContaining([`sudo chmod go= '${path}'`]),
    },
  });
  chmodSync(folder, 0o700);
  expect(await audit()).toMatchObject({ 'server.key': { status: 'done' } });
});

test('a key that a group may read warns, unless groups may', async () => {
  put('server.key', certificates().app.keyFile, 0o640);
  expect(await audit()).toMatchObject({
    'server.key': { status: 'warn', summary: expect.stringMatching(/by its group \(mode 0640\)$/) },
  });
  expect(await audit(true)).toMatchObject({ 'server.key': { status: 'done' } });
});

test('a key that belongs to another certificate than its namesake fails, whatever else lies beside it', async () => {
  const { app, other } = certificates();
  put('app.crt', app.certificateFile, 0o644);
  put('other-cert.pem', other.certificateFile, 0o644);
  put('app.key', other.keyFile);
  const path = put('other-key.pem', app.keyFile);
  const outcomes = await audit();
  expect(outcomes).toMatchObject({
    'app.key': { status: 'fail', detail: 'certificate.key_mismatch' },
    'other-key.pem': {
      status: 'fail',
      remediation: [
        expect.stringContaining(`openssl pkey -pubout -in '${path}'`),
        expect.any(String),
        expect.any(String),
      ],
    },
  });
  for (const { key } of [app, other]) expect(JSON.stringify(outcomes)).not.toContain(key.split('\n')[1]);
});

test('kinds of keys are recognised by what they are, also beside their certificate in one file', async () => {
  const kinds = { rsa: ['-newkey', 'rsa:2048'], ed25519: ['-newkey', 'ed25519'] };
  for (const [name, key] of Object.entries(kinds)) {
    const made = workshop.make({ name, key });
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'both.pem'), made.pem + made.key, { mode: 0o600 });
  }
  const traditional = join(folder, 'rsa', 'both.key');
  execFileSync('openssl', ['rsa', '-traditional', '-in', join(folder, 'rsa', 'both.pem'), '-out', traditional], {
    stdio: 'pipe',
  });
  expect(await audit()).toMatchObject({
    'rsa/both.pem': { summary: 'belongs to rsa, and is closed to others' },
    'rsa/both.key': { summary: 'belongs to rsa, and is closed to others' },
    'ed25519/both.pem': { summary: 'belongs to ed25519, and is closed to others' },
  });
});

test('a key with a passphrase is judged by its mode, and says why nothing was compared', async () => {
  const { app } = certificates();
  put('server.crt', app.certificateFile, 0o644);
  execFileSync('openssl', [
    'pkey',
    '-aes256',
    '-passout',
    'pass:x',
    '-in',
    app.keyFile,
    '-out',
    join(folder, 'server.key'),
  ]);
  expect(await audit()).toMatchObject({
    'server.key': { status: 'done', summary: expect.stringContaining('it has a passphrase, or is damaged') },
  });
});

test('what is named like a key and is none is passed over', async () => {
  writeFileSync(join(folder, 'public.key'), 'nothing secret\n');
  expect(await audit()).toMatchObject({ 'public.key': { status: 'skip' } });
});
