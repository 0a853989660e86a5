import type { MaintError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { certificateFacts, type Certificate } from './certificate.ts';
import { outcomeOf, type Finding } from './finding.ts';
import { bracketed, hostTitle, isAddress, portOf, type Host } from './host-settings.ts';
import { judgeReload } from './judge-reload.ts';
import { judgeVersion, NO_TLS, type Served } from './judge-version.ts';
import { describeLife, judgeChain } from './judge.ts';
import { judgeSerials } from './judge-serials.ts';
import { lifeSamples } from './samples.ts';

/** What one address answered; nothing is served where a server that talks before TLS has none. */
export interface Answer {
  readonly address: string;
  readonly served?: Served | undefined;
}

/** The file that should be served, or why it cannot be compared. */
export type Disk =
  | { readonly path: string; readonly leaf: Certificate }
  | { readonly path: string; readonly problem: string };

interface Reading {
  readonly host: Host;
  /** At least one. */
  readonly answers: readonly Answer[];
  /** Why some addresses could not be asked. */
  readonly silent: readonly MaintError[];
  readonly disk: Disk | undefined;
  /** What is wrong with its private key. */
  readonly key: readonly Finding[];
}

/** A server is as bad as its worst address; what several of them serve alike is said once. */
export function judgeHost(reading: Reading, now: Date): Outcome {
  const { host, answers, silent, disk, key } = reading;
  const groups = [...Map.groupBy(answers, groupKey).values()];
  const findings = groups.flatMap((group) => {
    const [first] = group;
    const own = first === undefined ? [] : judgeAnswer(first, reading, now);
    if (groups.length === 1) return own;
    const where = group.map(({ address }) => address).join(', ');
    return own.map((finding) => ({ ...finding, message: `${where}: ${finding.message}` }));
  });
  return outcomeOf({
    findings: [...findings, ...judgeSerials(everyCertificate(reading)), ...unasked(silent), ...unread(disk), ...key],
    allWell: allWell(answers, now),
    look: [lookCommand(host)],
    facts: {
      ...identity(host),
      addresses: answers.map(answerFacts),
      unreachable: silent.map(({ message }) => message),
      disk: disk === undefined ? null : diskFacts(disk),
    },
    samples: lifeSamples(hostTitle(host), answers.map(certificatesOf), now),
  });
}

/** All that was served anywhere, and what lies on disk. */
function everyCertificate({ answers, disk }: Reading): readonly Certificate[] {
  const spare = answers.flatMap(({ served }) => served?.chain.spare ?? []);
  const lying = disk !== undefined && 'leaf' in disk ? [disk.leaf] : [];
  return [...answers.flatMap(certificatesOf), ...spare, ...lying];
}

function groupKey({ served }: Answer): string {
  const prints = served?.chain.certificates.map(({ fingerprint }) => fingerprint) ?? [];
  return [served?.version, served?.old, ...prints].join(' ');
}

function certificatesOf({ served }: Answer): readonly Certificate[] {
  return served?.chain.certificates ?? [];
}

function judgeAnswer({ served }: Answer, { host, disk }: Reading, now: Date): readonly Finding[] {
  const [leaf] = served?.chain.certificates ?? [];
  if (served === undefined || leaf === undefined) return [NO_TLS[host.protocol === 'tls' ? 'postgres' : host.protocol]];
  const remedies = { renew: host.renew, reload: host.reload };
  return [
    ...judgeChain(served.chain, now, remedies),
    ...(disk !== undefined && 'leaf' in disk ? judgeReload(leaf, disk, remedies) : []),
    ...judgeVersion(served, host.protocol),
  ];
}

/** An address without a way to it says more about this host, which may have no IPv6, than about the server. */
function unasked(silent: readonly MaintError[]): readonly Finding[] {
  return silent
    .filter(({ detail }) => detail !== 'tls.no_route')
    .map(({ message, hint }) => ({
      grade: 'warn',
      detail: 'certificate.address_silent',
      message: `not every address answers: ${message}`,
      remedy: [hint],
    }));
}

function unread(disk: Disk | undefined): readonly Finding[] {
  if (disk === undefined || !('problem' in disk)) return [];
  return [
    {
      grade: 'warn',
      detail: 'certificate.file_unread',
      message: `what is served could not be compared with the disk: ${disk.problem}`,
      remedy: [`Check \`file\` in the configuration, and that the user of maint may read ${disk.path}.`],
    },
  ];
}

function allWell(answers: readonly Answer[], now: Date): string {
  const leaves = answers.flatMap((answer) => certificatesOf(answer).slice(0, 1));
  const [first] = leaves.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  if (first === undefined) return 'nothing is served';
  const issuer = /CN=([^,]+)/.exec(first.issuer)?.[1] ?? first.issuer;
  const everywhere = answers.length > 1 ? `, at ${plural(answers.length, 'address', 'addresses')}` : '';
  return `${describeLife(first, now)}, from ${issuer}${everywhere}`;
}

function lookCommand(host: Host): string {
  const name = host.servername ?? host.host;
  const place = `${bracketed(host.address ?? host.host)}:${portOf(host)}`;
  const start = host.protocol === 'tls' ? '' : ` -starttls ${host.protocol}`;
  return `openssl s_client -connect ${place}${isAddress(name) ? '' : ` -servername ${name}`}${start} -showcerts </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName`;
}

function identity(host: Host): Readonly<Record<string, Json>> {
  return {
    host: host.host,
    port: portOf(host),
    protocol: host.protocol,
    servername: host.servername ?? host.host,
    renew: host.renew ?? null,
    reload: host.reload ?? null,
  };
}

function answerFacts({ address, served }: Answer): Json {
  if (served === undefined)
    return { address, version: null, oldVersions: null, end: null, fitsHost: null, chain: [], spare: [] };
  const { end, fitsHost, certificates, spare } = served.chain;
  return {
    address,
    version: served.version,
    oldVersions: served.old,
    end: end ?? null,
    fitsHost,
    chain: certificates.map(certificateFacts),
    spare: spare.map(certificateFacts),
  };
}

function diskFacts(disk: Disk): Json {
  return 'problem' in disk ? { ...disk } : { path: disk.path, ...certificateFacts(disk.leaf) };
}
