/** A request as a contract judges it. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as data; undefined where it is no JSON. */
  readonly json: unknown;
}

/** What one service expects, and what it answers when it gets that. */
export interface Contract {
  /** The paths that it listens on. */
  readonly path: RegExp;
  /** What is wrong with a request; undefined when nothing is. */
  violation(request: Request): string | undefined;
  /** The answer to a request that is right. */
  readonly answer: (request: Request) => Answer;
}

/** What a service says. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON document by POST. */
export function isJsonPost({ method, headers, json }: Request): boolean {
  return method === 'POST' && /^application\/json\b/.test(headers['content-type'] ?? '') && json !== undefined;
}

/** Control characters and halves of characters break receivers. */
export function wellFormed({ body }: Pick<Request, 'body'>): string | undefined {
  return /\\u00[01][0-9a-f]|\\ud[89a-f]/i.test(JSON.stringify(parsed(body))) ? 'broken_characters' : undefined;
}

/** Text as JSON; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
