import { join } from 'node:path';
import { runProgram } from '../src/adapters/programs.ts';
import { MaintError } from '../src/base/errors.ts';

const DAYS = '12';

/**
 * Writes a self-signed certificate of the app that expires soon. Node.js reads certificates but cannot make one, so
 * this needs openssl.
 * @returns its path; undefined where openssl is not installed
 */
export async function writeCertificate(folder: string): Promise<string | undefined> {
  const path = join(folder, 'pigeon.crt');
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, 'pigeon.key'),
  ];
  const args = ['req', '-x509', ...key, '-days', DAYS, '-subj', '/CN=pigeon.example', '-out', path];
  try {
    await runProgram({ file: 'openssl', args, timeoutMs: 30_000 });
    return path;
  } catch (error) {
    if (error instanceof MaintError && error.code === 'PROGRAM_MISSING') return undefined;
    throw error;
  }
}
