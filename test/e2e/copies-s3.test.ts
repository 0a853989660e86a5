import { join } from 'node:path';
import { expect } from 'vitest';
import { openWorkshop } from '../support/certificates.ts';
import { flat } from '../support/maint.ts';
import { startS3Server } from '../support/s3-server.ts';
import { test, type Site } from '../support/site.ts';

function copyTo(site: Site, endpoint: string, more: object = {}): void {
  const copy = {
    type: 's3',
    name: 'offsite',
    bucket: 'vault',
    prefix: 'deep/er',
    endpoint,
    accessKeyId: 'AKIDOWNER',
    secretAccessKey: '${BACKUP_KEY}',
    timeout: '5s',
    ...more,
  };
  site.configure({ backups: { directory: join(site.folder, 'backups'), copies: [copy] } });
  site.env['BACKUP_KEY'] = 'planted-owner-secret';
}

test.for(['host', 'path'] as const)(
  'a bucket in the %s of an address behind a certificate of an own authority is sent copies, read back and verified',
  async (addressing, { site }) => {
    using workshop = openWorkshop();
    const authority = workshop.make({ name: 'Own Authority', isAuthority: true });
    const leaf = workshop.make({ name: 'localhost', names: 'DNS:localhost,DNS:vault.localhost', by: authority });
    const tls = { cert: leaf.pem, key: leaf.key };
    await using server = await startS3Server({ tls, addressing });
    copyTo(site, server.origin, addressing === 'host' ? { pathStyle: false } : {});
    site.env['NODE_OPTIONS'] = `--import=${join(import.meta.dirname, '../support/localhost-names.js')}`;

    // Nobody has vouched for the certificate yet.
    const distrusted = await site.run('backup');
    expect(distrusted.exitCode).toBe(1);
    expect(flat(distrusted.stdout)).toMatch(/offsite is not up to date: .*certificate/i);
    expect(await server.keys()).toEqual([]);

    site.env['NODE_EXTRA_CA_CERTS'] = authority.certificateFile;
    const { exitCode, stdout } = await site.run('backup');
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    const ids = site.visible();
    expect(ids).toHaveLength(2);
    for (const id of ids) expect(await server.keys()).toContain(`deep/er/app/${id}/manifest.json`);
    expect(await site.run('verify-backup', '--copy', 'offsite', '--all')).toMatchObject({ exitCode: 0 });

    // The other way round the service does not find its bucket, and that is said.
    copyTo(site, server.origin, { pathStyle: addressing === 'host' });
    expect((await site.run('verify-backup', '--copy', 'offsite')).exitCode).toBe(4);
  },
);
