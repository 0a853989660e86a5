import { createServer } from 'node:http';
import { expect } from 'vitest';
import { health } from '../../src/tasks/health.ts';
import { test } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

test('a probe follows a token from the request to its rows, and names what did not happen', async ({ database }) => {
  await database.query('CREATE TABLE probes (note text)');
  await database.query('CREATE TABLE results (note text)');
  const seen: string[] = [];
  let works: 'all' | 'row' | 'nothing' = 'all';
  // The application: it writes the row before it answers, and its worker the result a little later.
  const app = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const piece of request) body += String(piece);
      seen.push(String(request.headers['x-key']), body);
      const note = /"note":"([^"]+)"/.exec(body)?.[1] ?? '';
      if (works !== 'nothing') await database.query('INSERT INTO probes VALUES ($1)', [note]);
      response.writeHead(works === 'nothing' ? 503 : 201).end();
      if (works === 'all') await database.query('INSERT INTO results VALUES ($1)', [note]);
    })();
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const address = app.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const probe = {
    name: 'order',
    url: `http://127.0.0.1:${port}/probe`,
    headers: { 'x-key': 'k3y-s3cret' },
    body: '{"note":"{token}"}',
    within: '600ms',
    warnAfter: '590ms',
    arrivals: [
      { what: 'the row is written', sql: `SELECT FROM probes WHERE note = '{token}'` },
      { what: 'the worker is done', sql: `SELECT FROM results WHERE note = '{token}'` },
    ],
  };
  const look = async () =>
    (await runHealth(database.url, { settings: { disks: [], endToEnd: [probe] } }))['end to end order'];
  try {
    const good = await look();
    expect(good).toMatchObject({
      verdict: expect.stringMatching(/done|warn/),
      summary: expect.stringMatching(/the row is written, the worker is done in /),
      concern: { check: 'end-to-end', alertClass: 'page', dimension: 'service' },
    });
    expect(seen[0]).toBe('k3y-s3cret');
    works = 'row';
    const half = await look();
    expect(half).toMatchObject({ verdict: 'fail', summary: 'not within 600 ms: the worker is done' });
    works = 'nothing';
    expect(await look()).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/answered 503 instead of 200 to 299$/),
    });
    expect(new Set(seen.filter((text) => text.startsWith('{'))).size).toBe(3);
    expect(JSON.stringify([good, half])).not.toContain('k3y-s3cret');
  } finally {
    app.closeAllConnections();
    await new Promise((resolve) => app.close(resolve));
  }
});

test('a probe without a token could not be told from the one before', async () => {
  const arrivals = [{ what: 'row', sql: `SELECT FROM probes WHERE note = '{token}'` }];
  const parsed = await health.settings.safeParseAsync({ endToEnd: [{ name: 'x', url: 'http://a/', arrivals }] });
  expect(parsed.error?.message).toContain('neither url nor body has {token}');
});
