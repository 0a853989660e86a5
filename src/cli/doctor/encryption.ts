import { recipientsOf } from '../../adapters/age-keys.ts';
import { MaintError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { plural } from '../../base/units.ts';
import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn, fail } = verdictsOf('encryption');

/** Can the backups be read by those who must, and by nobody else? */
export async function checkEncryption({ backups, tasks }: Config): Promise<readonly Check[]> {
  const { identity } = backups;
  const recipients = [...new Set(backups.recipients)];
  const enabled = tasks.filter((task) => task.enabled);
  const takesBackups = enabled.some(({ task }) => task.name === 'backup');
  if (recipients.length === 0) return identity !== undefined && takesBackups ? [UNUSED_KEY] : [];
  const readers = enabled.filter(needsKey).map(({ task }) => task.name);
  return [
    ...checkRecipients(recipients),
    ...(identity === undefined ? withoutKey(readers) : await checkIdentity(identity, recipients, takesBackups)),
  ];
}

const UNUSED_KEY = warn('recipients', 'this host has a key, but its backups are not encrypted', [
  'Name public keys under backups.encryption.recipients, or leave backups.encryption.identity out.',
]);

function checkRecipients(recipients: readonly string[]): readonly Check[] {
  if (recipients.length > 1) return [ok('recipients', `${recipients.length} keys: ${recipients.join(', ')}`)];
  return [
    warn('recipients', 'backups are encrypted to one key alone: when it is lost, so is every backup', [
      'age-keygen -o break-glass.txt   # on another machine; then lock the file away',
      'Add its public key to backups.encryption.recipients (docs/encryption.md).',
    ]),
  ];
}

/** Which tasks read what is inside of backups? */
function needsKey({ task, settings }: Config['tasks'][number]): boolean {
  if (task.name === 'restore-test') return true;
  if (task.name !== 'verify-backup' || typeof settings !== 'object' || settings === null) return false;
  return !('level' in settings) || settings.level === 'decode' || settings.level === 'restore';
}

function withoutKey(readers: readonly string[]): readonly Check[] {
  if (readers.length === 0) return [ok('key', 'none here, and nothing that needs one')];
  const what = `${readers.join(' and ')} cannot read them`;
  return [
    warn('key', `backups are encrypted and this host has no key: ${what}`, [
      'Run these tasks on a host that has backups.encryption.identity, best not the one that takes backups.',
      'Here, set tasks.verify-backup.level: checksum and tasks.restore-test.enabled: false (docs/encryption.md).',
    ]),
  ];
}

async function checkIdentity(
  identity: Secret,
  recipients: readonly string[],
  takesBackups: boolean,
): Promise<readonly Check[]> {
  try {
    const own = (await recipientsOf(identity)).filter((recipient) => recipients.includes(recipient));
    if (own.length === 0)
      return [
        warn('key', 'the key of this host belongs to none of the recipients, so it opens no new backup', [
          'Give the identity of one of backups.encryption.recipients; age-keygen -y FILE shows whose it is.',
        ]),
      ];
    if (!takesBackups) return [ok('key', `opens what is encrypted to ${plural(own.length, 'recipient')}`)];
    return [
      warn('key', 'the key of the backups can be read on the very host that takes them: who has one has both', [
        'Move backups.encryption.identity to the host that runs verify-backup and restore-test (docs/encryption.md).',
      ]),
    ];
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return [fail('key', error.message, [error.hint])];
  }
}
