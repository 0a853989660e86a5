import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { around, questionsOf } from '../support/looking.ts';

test('the clock of a web server is compared to the second, and one without a date finds nothing out', async () => {
  let date: string | undefined = new Date().toUTCString();
  const server = createServer((_, response) => {
    response.sendDate = false;
    response.writeHead(200, date === undefined ? {} : { date }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/?key=s3cret`;
  try {
    const question = (await questionsOf('clock', { clock: { servers: [url] } })).at(-1);
    if (question === undefined || !('look' in question)) throw new Error('no look');
    expect(question.title).toBe(`clock ${url.replace('?key=s3cret', '')}`);
    expect(await question.look(around())).toMatchObject({ status: 'done' });
    date = new Date(Date.now() - 60_000).toUTCString();
    const late = await question.look(around());
    expect(late).toMatchObject({
      status: 'fail',
      summary: expect.stringMatching(/^the clock of the server is (59|1 min|60).* behind that of this host$/),
    });
    expect(JSON.stringify(late)).not.toContain('s3cret');
    date = undefined;
    await expect(question.look(around())).rejects.toMatchObject({ code: 'HTTP_FAILED' });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
