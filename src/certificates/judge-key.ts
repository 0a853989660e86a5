import type { KeyFile } from '../adapters/key-file.ts';
import type { Certificate } from './certificate.ts';
import type { Finding } from './finding.ts';

interface KeyRules {
  /** May a group read it? */
  readonly groupKeys: boolean;
  /** Whose key it should be, in words. */
  readonly beside: string;
}

/**
 * A key that others can read is theirs too, and one that fits no certificate keeps the server from starting.
 * @param certificates that it could belong to; none where there is nothing to compare
 */
export function judgeKey(key: KeyFile, certificates: readonly Certificate[], rules: KeyRules): readonly Finding[] {
  return [...judgeReaders(key, rules), ...judgeFit(key, certificates, rules)];
}

function judgeReaders({ path, mode, isOpenToAll, isOpenToGroup }: KeyFile, rules: KeyRules): readonly Finding[] {
  const shown = `mode ${mode.toString(8).padStart(4, '0')}`;
  const close = `sudo chmod go= ${shellPath(path)}`;
  if (isOpenToAll)
    return [
      {
        grade: 'fail',
        detail: 'certificate.key_readable',
        message: `the private key ${path} can be read by everybody on this host (${shown})`,
        remedy: [close, 'Who could read it may have done so: make a new key, and have it certified.'],
      },
    ];
  if (!isOpenToGroup || rules.groupKeys) return [];
  return [
    {
      grade: 'warn',
      detail: 'certificate.key_readable',
      message: `the private key ${path} can be read by its group (${shown})`,
      remedy: [close, 'Where a group has to read keys, as ssl-cert of Debian: tasks.cert-audit.groupKeys: true'],
    },
  ];
}

function judgeFit(key: KeyFile, certificates: readonly Certificate[], { beside }: KeyRules): readonly Finding[] {
  if (key.publicKeyHash === undefined || certificates.length === 0 || ownersOf(key, certificates).length > 0) return [];
  return [
    {
      grade: 'fail',
      detail: 'certificate.key_mismatch',
      message: `the private key ${key.path} belongs to none of ${beside}: a server that loads both does not start`,
      remedy: [
        `openssl pkey -pubout -in ${shellPath(key.path)} | openssl sha256 # compare with: openssl x509 -noout -pubkey -in CERTIFICATE | openssl sha256`,
        'Put the key there that the certificate was made with, or have a certificate issued for this one.',
      ],
    },
  ];
}

function ownersOf({ publicKeyHash }: KeyFile, certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter((each) => each.publicKeyHash !== undefined && each.publicKeyHash === publicKeyHash);
}

/** What to say of a key with which nothing is wrong. */
export function describeKey(key: KeyFile, certificates: readonly Certificate[]): string {
  const [owner] = ownersOf(key, certificates);
  if (owner !== undefined) return `belongs to ${owner.name}, and is closed to others`;
  const why = key.obstacle ?? 'no certificate lies beside it';
  return `closed to others; not compared with a certificate: ${why}`;
}

/** A path as a shell takes it. */
export function shellPath(path: string): string {
  return `'${path.replaceAll(`'`, String.raw`'\''`)}'`;
}
