import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeConnection, libpqEnvironment, parseConnection } from '../../src/adapters/connection.ts';
import { programEnvironment } from '../../src/adapters/program-environment.ts';
import { Secret } from '../../src/base/secret.ts';

const parse = (url: string) => parseConnection(new Secret(url));

describe('a database URL', () => {
  test('is taken apart as libpq does', () => {
    const connection = parse(
      'postgresql://ana:p%40ss%2Fw@db1:6432/my%20app?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    );
    expect(connection).toMatchObject({
      host: 'db1',
      port: 6432,
      database: 'my app',
      user: 'ana',
      sslMode: 'verify-full',
      sslRootCert: '/etc/ca.pem',
    });
    expect(connection.password?.reveal()).toBe('p@ss/w');
    expect(describeConnection(connection)).toBe('my app on db1:6432');
  });

  test('may leave out host, port and password, or name a socket directory', () => {
    expect(parse('postgres://ana@/app?host=/run/postgresql&port=5433')).toMatchObject({
      host: '/run/postgresql',
      port: 5433,
    });
    expect(parse('postgres:///app?user=ana')).toMatchObject({
      host: 'localhost',
      port: 5432,
      user: 'ana',
      password: undefined,
    });
    expect(parse('postgres://ana@[::1]/app')).toMatchObject({ host: '[::1]' });
  });

  test.each([
    ['mysql://a@b/c', 'cannot be read'],
    ['', 'cannot be read'],
    ['postgres://ana:secretpw@db1/', 'names no database'],
    ['postgres://db1/app', 'names no user'],
    ['postgres://ana:secretpw@db1:99999/app', 'cannot be read'],
    ['postgres://ana:secretpw@db1/app?port=0', 'unusable port'],
    ['postgres://ana:secretpw@db1/app?sslmode=maybe', 'unknown sslmode'],
    ['postgres://ana:secret%pw@db1/app', 'percent-encoding'],
  ])('%s is refused without being repeated', (url, reason) => {
    const refusal = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(reason) });
    expect(() => parse(url)).toThrow(refusal);
    expect(() => parse(url)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
  });

  test('brings any password through to libpq unchanged', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (password) => {
        const { PGPASSWORD } = programEnvironment(
          'stock',
          libpqEnvironment(parse(`postgres://ana:${encodeURIComponent(password)}@db1/app`)),
        );
        expect(PGPASSWORD).toBe(password);
      }),
    );
  });
});
