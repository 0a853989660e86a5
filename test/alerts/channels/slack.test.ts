import { expect, test } from 'vitest';
import { testMessage } from '../../../src/alerts/message.ts';
import { slackPayload } from '../../../src/alerts/channels/slack.ts';
import { messageOf, notificationOf } from '../../support/notifications.ts';

test('writes what broke, since when, what to do and where', () => {
  const { text, blocks } = slackPayload(messageOf([notificationOf()]));
  expect(text).toBe('FAIL: health, disk /: 99 % full · shop on db1');
  expect(blocks).toEqual([
    { type: 'header', text: { type: 'plain_text', text: 'FAIL: health, disk /: 99 % full · shop on db1' } },
    {
      type: 'section',
      text: {
        type: 'mrkdwn',
        text: '*FAIL* health, disk / (new, since 2026-11-21 02:00 UTC)\n99 % full\n→ df -h /',
        verbatim: true,
      },
    },
    {
      type: 'context',
      elements: [
        {
          type: 'mrkdwn',
          text: 'shop on db1 · daily · run 0f0e0d0c-0b0a-4908-8706-050403020100 · 2026-11-21 02:00 UTC',
          verbatim: true,
        },
      ],
    },
  ]);
});

test('says that what could not be found out is not known to be broken', () => {
  const payload = JSON.stringify(slackPayload(messageOf([notificationOf({ severity: 'crash' })])));
  expect(payload).toContain('*CRASH* health, disk / (could not be found out; new, since 2026-11-21 02:00 UTC)');
  expect(JSON.stringify(slackPayload(messageOf([notificationOf()])))).not.toContain('found out');
});

test('says OK and what it was when a problem is over', () => {
  const { text, blocks } = slackPayload(
    messageOf([notificationOf({ reason: 'recovered', summary: '41 % full', remediation: [] })]),
  );
  expect(text).toBe('OK: health, disk /: 41 % full · shop on db1');
  expect(JSON.stringify(blocks)).toContain('*OK* health, disk / (was fail since 2026-11-21 02:00 UTC)\\n41 % full');
});

test('shows ten of twenty problems and counts the rest', () => {
  const twenty = Array.from({ length: 20 }, (_, index) => notificationOf({ step: `disk ${index}` }));
  const { text, blocks } = slackPayload(messageOf(twenty));
  expect(text).toContain('(and 19 more)');
  expect(blocks).toHaveLength(13);
  expect(blocks[10]).toMatchObject({ text: { text: expect.stringContaining('disk 9 ') } });
  expect(blocks[11]).toMatchObject({ text: { text: '+10 more' } });
});

test('escapes what Slack reads as markup, and nothing else', () => {
  const summary = `<!everyone> a && b </script> "quoted" *bold*`;
  const { text, blocks } = slackPayload(messageOf([notificationOf({ summary })]));
  expect(text).toContain('&lt;!everyone&gt; a &amp;&amp; b &lt;/script&gt; "quoted" *bold*');
  expect(JSON.stringify(blocks[1])).toContain('&lt;!everyone&gt; a &amp;&amp; b');
});

test('keeps ten problems with endless texts below 8,000 characters, cutting no escape and no emoji in two', () => {
  const long = ['&'.repeat(10_000), '😀'.repeat(5_000), '"\\'.repeat(5_000), '漢'.repeat(10_000)];
  for (const text of long) {
    const each = notificationOf({ summary: text, step: text, remediation: [text, text] });
    const payload = slackPayload(messageOf(Array(15).fill(each), { project: text, host: text, command: text }));
    const json = JSON.stringify(payload);
    expect(json.length).toBeLessThanOrEqual(8_000);
    expect(json).toContain('+5 more');
    // The header is plain text, which Slack does not read as markup.
    const markup = JSON.stringify({ ...payload, blocks: payload.blocks.slice(1) });
    expect(markup).not.toMatch(/\\ud[89a-f]|&(?!amp;)/);
    expect(json).not.toMatch(/\\ud[89a-f]/);
  }
});

test('says of a test that it is one', () => {
  const message = testMessage({ run: 'a-b', project: 'shop', host: 'db1', now: new Date('2026-11-21T02:00:00Z') });
  expect(slackPayload(message)).toMatchObject({ text: 'TEST: this channel works · shop on db1', blocks: [{}, {}] });
});
