import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { S3Bucket } from './s3-client.ts';

/** What a thrown value says about a request that failed. */
interface Failure {
  /** The service's own code (`NoSuchKey`), or the system's (`ECONNREFUSED`). */
  readonly code: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  readonly message: string;
}

const MESSAGE_LIMIT = 300;

/** Codes that say who asks is not known, as opposed to not allowed. */
const UNKNOWN_LOGIN =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|InvalidClientTokenId|UnrecognizedClientException|RequestTimeTooSkewed|RequestExpired|AccountProblem|InvalidSecurity|NotSignedUp)$/;
const WRONG_REGION =
  /^(PermanentRedirect|TemporaryRedirect|Redirect|AuthorizationHeaderMalformed|IllegalLocationConstraint.*)$/;
const KEPT = /lock|retention|legal ?hold|worm|immutab|object under active hold/i;
const CERTIFICATE = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/**
 * Runs requests and translates what they throw.
 * @param path what they are about
 * @throws MaintError STORE_UNREACHABLE, STORE_REFUSED, FILE_UNUSABLE (no such file); the signal's reason
 */
export async function translatedS3<T>(
  { bucket, path, signal }: { readonly bucket: S3Bucket; readonly path: string; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof MaintError ? error : translate(error, bucket, path);
  }
}

/** Did the service keep a file by its own rule: object lock, or no right to delete? */
export function isRetained(error: unknown): boolean {
  const { code, status, message } = failureOf(error);
  if (status === undefined || UNKNOWN_LOGIN.test(code)) return false;
  return status === 403 || status === 405 || (status < 500 && (KEPT.test(code) || KEPT.test(message)));
}

/** Did the connection break, so that asking for the rest may help? */
export function isBroken(error: unknown): boolean {
  return failureOf(error).status === undefined;
}

function translate(error: unknown, bucket: S3Bucket, path: string): MaintError {
  const failure = failureOf(error);
  const where = bucket.locate(path);
  const details = { cause: bareCause(failure, bucket) };
  if (failure.status === undefined) return unanswered(failure, bucket, where);
  const said = masked(`${failure.code}: ${failure.message}`, bucket);
  if (failure.code === 'NoSuchKey')
    return new MaintError('FILE_UNUSABLE', `${where} does not exist`, {
      ...details,
      hint: 'List the bucket: it was removed, or never arrived.',
    });
  if (failure.code === 'PreconditionFailed')
    return new MaintError('FILE_UNUSABLE', `${where} changed while it was read`, details);
  if ((failure.status >= 500 && failure.status !== 501) || failure.status === 429 || failure.code === 'SlowDown')
    return new MaintError('STORE_UNREACHABLE', `${where}: the service answered ${failure.status} (${said})`, {
      ...details,
      hint: 'The service is overloaded or broken: run it again later, and look at its status page.',
    });
  return new MaintError('STORE_REFUSED', `${where}: ${said}`, { ...details, hint: hintFor(failure, bucket) });
}

function unanswered(failure: Failure, bucket: S3Bucket, where: string): MaintError {
  const { endpoint, name, region } = bucket.settings;
  const cause = bareCause(failure, bucket);
  if (failure.code === 'CredentialsProviderError')
    return new MaintError('STORE_REFUSED', `${where}: nothing on this host says who asks for it`, {
      cause,
      hint: `Give accessKeyId and secretAccessKey for the copy ${name}, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    });
  const service = endpoint ?? `Amazon S3 in ${region}`;
  const reason = failure.code === 'TimeoutError' ? 'it did not answer in time' : failure.code;
  const hint = CERTIFICATE.test(failure.code)
    ? 'Its certificate is not trusted here: set NODE_EXTRA_CA_CERTS to the file of its authority.'
    : 'Check endpoint and region of the copy under backups.copies, and that this host may reach it.';
  return new MaintError('STORE_UNREACHABLE', `${where}: ${service} cannot be reached (${masked(reason, bucket)})`, {
    cause,
    hint,
  });
}

function hintFor({ code, status, message }: Failure, { settings }: S3Bucket): string {
  if (code === 'NoSuchBucket') return `Make the bucket ${settings.bucket}, or mend its name.`;
  if (code === 'RequestTimeTooSkewed') return 'Set the clock of this host right.';
  if (UNKNOWN_LOGIN.test(code)) return `Check accessKeyId and secretAccessKey of the copy ${settings.name}.`;
  if (WRONG_REGION.test(code) || status === 301)
    return `Set region and endpoint of the copy ${settings.name} to those of the bucket.`;
  if (status === 403)
    return `Allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket ${settings.bucket}; nothing else is needed.`;
  if (/Digest|SHA256Mismatch|ChecksumMismatch/i.test(code))
    return 'It arrived damaged: run it again, and if it stays so, test memory and network of this host.';
  if (settings.checksums && (status === 501 || /checksum|header/i.test(message)))
    return `Set checksums: false for the copy ${settings.name}.`;
  return 'The message is what the service said; check the settings of the copy under backups.copies.';
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'UnknownError', status: undefined, message: String(error) };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata ? metadata.httpStatusCode : 0;
  if (typeof status === 'number' && status > 0) return { code: error.name, status, message: error.message };
  // A name with several addresses fails with one error for each; the first speaks for all.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first && typeof first.code === 'string' ? first.code : error.name;
  return { code: code === 'Error' ? error.message : code, status: undefined, message: error.message };
}

/** Name and text only: the error itself carries what was signed, session token and all. */
function bareCause({ code, message }: Failure, bucket: S3Bucket): Error {
  const cause = new Error(masked(message, bucket));
  cause.name = code;
  return cause;
}

function masked(text: string, { settings }: S3Bucket): string {
  const secrets = [settings.secretAccessKey, settings.sessionToken].filter((secret) => secret !== undefined);
  const safe = secrets.reduce((text, secret) => secret.maskIn(text), printable(text));
  return safe.length > MESSAGE_LIMIT ? `${safe.slice(0, MESSAGE_LIMIT)}…` : safe;
}
