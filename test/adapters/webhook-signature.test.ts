import { expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { isSigningKey, webhookSignature } from '../../src/adapters/webhook-signature.ts';

const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const CONTENT = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

test('signs the example of the Standard Webhooks libraries as they do', () => {
  expect(webhookSignature(CONTENT, new Secret(KEY))).toBe(SIGNATURE);
});

test('signs once for each of two keys', () => {
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const signatures = webhookSignature(CONTENT, new Secret(`${KEY} ${other}`)).split(' ');
  expect(signatures).toEqual([SIGNATURE, webhookSignature(CONTENT, new Secret(other))]);
  expect(signatures[1]).not.toBe(SIGNATURE);
});

test.each([
  [KEY, true],
  [`${KEY} ${KEY}`, true],
  [KEY.slice('whsec_'.length), false],
  ['whsec_dG9vIHNob3J0', false],
  [`whsec_${Buffer.alloc(65).toString('base64')}`, false],
  [' ', false],
])('tells whether "%s" is a key', (text, expected) => {
  expect(isSigningKey(new Secret(text))).toBe(expected);
});
