import { readStoredText, type StoredFile } from '../adapters/store.ts';
import { MaintError } from '../base/errors.ts';
import { FILES } from './layout.ts';
import { parseManifest } from './manifest.ts';
import { parseSums } from './sums.ts';
import { readArtifacts } from './verify-artifacts.ts';
import { extraFiles, fileFaults, identityFaults, missingFiles, sizeFaults, textFaults } from './verify-files.ts';
import { finding, type VerifyRequest } from './verify-request.ts';

/** What was found out about a backup. It is good when there are no findings. */
export interface Verification {
  /** The worst first; each with a dotted name for programs and one line for people. */
  readonly findings: readonly { readonly detail: string; readonly message: string }[];
  readonly bytes: number;
  readonly rows: number;
  readonly tables: number;
}

/**
 * Holds a backup against its own words, as deep as asked: its files and their sizes; their checksums; and, in one pass
 * over the dump, that pg_restore reads every block and that each table has the rows that the manifest names.
 * @throws MaintError when it could not be found out
 */
export async function verify(request: VerifyRequest, signal: AbortSignal): Promise<Verification> {
  const files = await filesOf(request, signal);
  const sums = parseSums((await textOf(request, { name: FILES.sums, files }, signal)) ?? '');
  const text = await textOf(request, { name: FILES.manifest, files }, signal);
  const manifest = text === undefined ? 'missing' : parseManifest(text);
  const texts = await textFaults(request, { files, sums }, signal);
  if (typeof manifest === 'string') {
    const unreadable = finding('verify.manifest_unreadable', `${FILES.manifest}: ${manifest}`);
    return { findings: [...missingFiles(files, []), ...texts, unreadable], bytes: 0, rows: 0, tables: 0 };
  }
  const stated = { files, manifest, sums };
  const { findings: inside, unopened } =
    request.level === 'present'
      ? { findings: sizeFaults(stated), unopened: undefined }
      : await readArtifacts(request, stated, signal);
  const findings = [
    ...fileFaults(stated),
    ...texts,
    ...identityFaults(request, manifest),
    ...inside,
    ...extraFiles(stated),
  ];
  // What was found is worth more than that not everything could be looked at.
  if (unopened !== undefined && findings.length === 0) throw unopened;
  const tables = Object.values(manifest.tables);
  return {
    findings,
    bytes: manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    tables: tables.length,
  };
}

/** That a backup has gone since it was listed is no fault of its bytes: expiry does not wait for whoever looks at all. */
async function filesOf({ store, path }: VerifyRequest, signal: AbortSignal): Promise<readonly StoredFile[]> {
  const listing = await store.list(path, signal);
  if (listing !== undefined) return listing.files;
  throw new MaintError('FILE_UNUSABLE', `${store.locate(path)} has gone since the backups were listed`, {
    hint: 'Most likely it expired meanwhile: `maint backups list` shows what is there now.',
    detail: 'verify.gone',
  });
}

interface NamedFile {
  readonly name: string;
  readonly files: readonly StoredFile[];
}

async function textOf(
  { store, path }: VerifyRequest,
  { name, files }: NamedFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const isThere = files.some((file) => file.name === name);
  return isThere ? readStoredText(store, `${path}/${name}`, signal) : undefined;
}
