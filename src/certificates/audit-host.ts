import type { X509Certificate } from 'node:crypto';
import { readCertificateFile, trustedRoots } from '../adapters/certificate-files.ts';
import {
  addressesOf,
  oldVersionsOf,
  shakeHands,
  type Handshake,
  type OldVersions,
  type TlsRequest,
} from '../adapters/tls.ts';
import { MaintError } from '../base/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { readKeyFile } from '../adapters/key-file.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import type { Finding } from './finding.ts';
import { judgeKey } from './judge-key.ts';
import { followChain } from './trust.ts';
import { isAddress, isVerified, portOf, type Host } from './host-settings.ts';
import { judgeHost, type Answer, type Disk } from './judge-host.ts';
import type { Served } from './judge-version.ts';

/** What an audit gets from whoever performs it. */
interface Surroundings {
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** For looking up the name, and for each handshake. */
  readonly timeoutMs: number;
  /** May a group read private keys? */
  readonly groupKeys: boolean;
}

/**
 * Shakes hands with every address of a server and judges what they serve, against each other and the file on disk.
 * @throws MaintError TLS_FAILED when no address could be asked: then nothing was found out
 */
export async function auditHost(host: Host, { signal, now, timeoutMs, groupKeys }: Surroundings): Promise<Outcome> {
  const request: TlsRequest = {
    host: host.host,
    port: portOf(host),
    servername: host.servername ?? host.host,
    protocol: host.protocol,
    timeoutMs,
    signal,
  };
  const addresses = host.address === undefined ? await addressesOf(request) : [host.address];
  const roots = await trustedRoots(host.ca);
  const answers: Answer[] = [];
  const silent: MaintError[] = [];
  for (const address of addresses) {
    const answer = await ask(address, request, roots);
    if (answer instanceof MaintError) silent.push(answer);
    else answers.push(answer);
  }
  const [reason] = silent;
  if (answers.length === 0 && reason !== undefined) throw reason;
  const disk = await diskOf(host);
  const key =
    host.key === undefined ? [] : await keyFindings(host.key, groupKeys, [leafOnDisk(disk) ?? leafOf(answers)]);
  return judgeHost({ host, answers, silent, disk, key }, now());
}

async function ask(
  address: string,
  request: TlsRequest,
  roots: readonly X509Certificate[],
): Promise<Answer | MaintError> {
  try {
    const handshake = await shakeHands(address, request);
    if (handshake === undefined) return { address };
    const served = describe(handshake, request, roots);
    return {
      address,
      ...(served !== undefined && { served: { ...served, old: await oldOf(address, handshake, request) } }),
    };
  } catch (error) {
    if (error instanceof MaintError && error.code === 'TLS_FAILED') return error;
    throw error;
  }
}

/** What speaks an old version at best has said all already. */
async function oldOf(address: string, { version }: Handshake, request: TlsRequest): Promise<OldVersions> {
  return version === 'TLSv1.1' || version === 'TLSv1' ? version : oldVersionsOf(address, request);
}

function describe(
  { chain, version }: Handshake,
  { servername, protocol, port }: TlsRequest,
  roots: readonly X509Certificate[],
): Omit<Served, 'old'> | undefined {
  const [leaf] = chain;
  if (leaf === undefined) return undefined;
  const { end, links, spare } = followChain(chain, roots);
  return {
    version,
    chain: {
      certificates: links.map(readCertificate),
      spare: spare.map(readCertificate),
      end,
      host: servername,
      fitsHost: fits(leaf, servername, protocol),
      isVerified: isVerified({ protocol, port }),
    },
  };
}

/** libpq still reads the common name where there are no other names; web clients no longer do. */
function fits(leaf: X509Certificate, name: string, protocol: Host['protocol']): boolean {
  if (isAddress(name)) return leaf.checkIP(name) !== undefined;
  return leaf.checkHost(name, { subject: protocol === 'postgres' ? 'default' : 'never' }) !== undefined;
}

/** A file that cannot be read must not hide what the server serves. */
async function diskOf({ file }: Host): Promise<Disk | undefined> {
  if (file === undefined) return undefined;
  try {
    const [leaf] = await readCertificateFile(file);
    if (leaf === undefined) return { path: file, problem: `${file} holds no certificate` };
    return { path: file, leaf: readCertificate(leaf) };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return { path: file, problem: error.message };
  }
}

function leafOnDisk(disk: Disk | undefined): Certificate | undefined {
  return disk !== undefined && 'leaf' in disk ? disk.leaf : undefined;
}

function leafOf(answers: readonly Answer[]): Certificate | undefined {
  return answers.flatMap(({ served }) => served?.chain.certificates[0] ?? [])[0];
}

/** A key that cannot be looked at must not hide what the server serves. */
async function keyFindings(
  path: string,
  groupKeys: boolean,
  owners: readonly (Certificate | undefined)[],
): Promise<readonly Finding[]> {
  try {
    const key = await readKeyFile(path);
    if (key === undefined) return [unreadKey(path, `${path} holds no private key`)];
    const certificates = owners.filter((each) => each !== undefined);
    const findings = judgeKey(key, certificates, { groupKeys, beside: 'what is served or lies on disk' });
    return key.obstacle === undefined ? findings : [...findings, unreadKey(path, `${path}: ${key.obstacle}`)];
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return [unreadKey(path, error.message)];
  }
}

function unreadKey(path: string, problem: string): Finding {
  return {
    grade: 'warn',
    detail: 'certificate.key_unread',
    message: `whether key and certificate belong together could not be found out: ${problem}`,
    remedy: [`Check \`key\` in the configuration, and that the user of maint may read ${path}.`],
  };
}
