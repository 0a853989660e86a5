import { describe, expect, test } from 'vitest';
import { makeKeyPair, recipientFault, recipientsOf } from '../../src/adapters/age-keys.ts';
import { Secret } from '../../src/base/secret.ts';
import { keyFile } from '../support/age.ts';

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('recipients', () => {
  test('of age are fine', async () => {
    for (let count = 0; count < 50; count += 1) {
      const { recipient } = await makeKeyPair();
      expect(recipientFault(recipient)).toBeUndefined();
    }
  });

  test('with any one letter wrong are refused, for nobody could open the backup', async () => {
    const { recipient } = await makeKeyPair();
    for (let at = 4; at < recipient.length; at += 1) {
      const typo = recipient.slice(0, at) + (recipient[at] === 'q' ? 'p' : 'q') + recipient.slice(at + 1);
      expect(recipientFault(typo)).toBe('does not add up: a character is wrong, missing or too many');
    }
    for (const wrong of [recipient.slice(0, -1), `${recipient}q`, ` ${recipient}`, recipient.toUpperCase(), 'age1'])
      expect(recipientFault(wrong)).toBeDefined();
  });

  test.each([
    ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ', 'is an SSH key'],
    ['age1pq1qqqqqqqq', 'is of a kind that older versions of age cannot open'],
    [
      'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t',
      'needs a plugin of age, which would have to be at hand for every restore',
    ],
    ['ops@example.com', 'is no public key of age, which begins with age1'],
  ])('%s is refused by its kind', (recipient, fault) => {
    expect(recipientFault(recipient)).toBe(fault);
  });

  test('that are secret keys are refused without repeating them', async () => {
    const { identity } = await makeKeyPair();
    for (const pasted of [identity.reveal(), identity.reveal().toLowerCase(), ` ${identity.reveal()}`])
      expect(recipientFault(pasted)).toBe('is a secret key, which belongs into no configuration: make a new one');
  });
});

describe('identities', () => {
  test('know their recipients, each key of the file', async () => {
    const [one, two] = [await makeKeyPair(), await makeKeyPair()];
    expect(await recipientsOf(keyFile(one, two))).toEqual([one.recipient, two.recipient]);
  });

  test('are never the same twice, and do not print', async () => {
    const [one, two] = [await makeKeyPair(), await makeKeyPair()];
    expect(one.recipient).not.toBe(two.recipient);
    expect(String(one.identity)).toBe('[secret]');
  });

  test.each([
    ['', 'the identity holds no key'],
    ['# created: today\n', 'the identity holds no key'],
    ['# mine\n-----BEGIN OPENSSH PRIVATE KEY-----', 'line 2 of the identity is no secret key of age'],
    ['AGE-SECRET-KEY-1QQQQ', 'line 1 of the identity does not add up: a character is wrong or missing'],
    ['AGE-PLUGIN-YUBIKEY-1QQQQ', 'line 1 of the identity is no secret key of age'],
  ])('%j is none', async (text, message) => {
    await expect(recipientsOf(new Secret(text))).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
  });

  test('with a typing error are refused without repeating them', async () => {
    const { identity } = await makeKeyPair();
    const wrong = `${identity.reveal().slice(0, -2)}QQ`;
    const error = await errorOf(recipientsOf(new Secret(wrong)));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(wrong.slice(16, 40));
  });
});
