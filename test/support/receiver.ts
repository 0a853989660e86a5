import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { discord, teams } from './receiver/chats.ts';
import { parsed, type Contract, type Request } from './receiver/contract.ts';
import { alertmanager, apprise, ntfy, pagerDuty, pagerDutyChange } from './receiver/services.ts';
import { slack } from './receiver/slack.ts';
import { called, cronitor, healthchecks, uptimeKuma } from './receiver/switches.ts';
import { alertmanagerWebhook, standardWebhooks } from './receiver/webhooks.ts';

/** How the receiver answers one request. Without a status it judges the request by its contract. */
export interface Behaviour {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait this long before answering. */
  readonly delayMs?: number;
  /** What to say; `ok`, or what is wrong with the request, where left out. */
  readonly body?: string;
  /** Begin the body and never end it. */
  readonly endless?: true;
  /** Take the request and never answer. */
  readonly hang?: true;
  /** Take the request and cut the connection. */
  readonly drop?: true;
}

/** One request as it arrived. */
interface Received extends Request {
  /** What is wrong with it by the contract of its path; undefined when nothing is. */
  readonly violation: string | undefined;
  /** What was answered; undefined until then. */
  status: number | undefined;
}

/**
 * A real HTTP server that plays every service that maint talks to, each under paths of its own, and holds each request to
 * the contract of that service.
 */
export interface Receiver extends AsyncDisposable {
  readonly origin: string;
  readonly slackUrl: string;
  readonly webhookUrl: string;
  readonly alertmanagerWebhookUrl: string;
  readonly discordUrl: string;
  readonly teamsUrl: string;
  readonly alertmanagerUrl: string;
  readonly appriseUrl: string;
  readonly pingUrl: string;
  readonly uptimeKumaUrl: string;
  /** All requests, also refused and unanswered ones, in order of arrival. */
  readonly requests: readonly Received[];
  /** The requests that were answered with 2xx. */
  accepted(): readonly Received[];
  /** Sets the answers to the next requests, in order. */
  next(...behaviours: readonly Behaviour[]): void;
  /** Sets the answer to each request for which `next` says nothing. */
  always(behaviour: Behaviour): void;
  /** Sets the answer to each request whose path begins so, before `next` and `always`. */
  at(path: string, behaviour: Behaviour): void;
  /** Resolves when that many requests have arrived. */
  arrived(count: number): Promise<void>;
}

/** A key for signed webhooks; the receiver checks signatures with it unless it gets another. */
export const SIGNING_KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startReceiver(signingKey = SIGNING_KEY): Promise<Receiver> {
  const contracts = contractsWith(signingKey);
  const requests: Received[] = [];
  const planned: Behaviour[] = [];
  const places = new Map<string, Behaviour>();
  const waiting: { readonly count: number; resolve(): void }[] = [];
  let usual: Behaviour = {};
  const behaviourFor = ({ path }: Request): Behaviour =>
    [...places].find(([start]) => path.startsWith(start))?.[1] ?? planned.shift() ?? usual;
  const server = createServer((incoming, response) => {
    void read(incoming).then((request) => {
      const contract = contracts.find(({ path }) => path.test(request.path));
      const violation = contract === undefined ? 'unknown_path' : contract.violation(request);
      const received: Received = { ...request, violation, status: undefined };
      requests.push(received);
      answer(received, response, { behaviour: behaviourFor(received), contract });
      for (const watch of waiting.filter(({ count }) => requests.length >= count)) watch.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    origin,
    slackUrl: `${origin}/services/T0000/B0000/slackPathIsASecret`,
    webhookUrl: `${origin}/hook`,
    alertmanagerWebhookUrl: `${origin}/alertmanager-hook`,
    discordUrl: `${origin}/api/webhooks/4711/discordTokenIsASecret`,
    teamsUrl: `${origin}/workflows/teamsPathIsASecret?sig=teamsSignatureIsASecret`,
    alertmanagerUrl: origin,
    appriseUrl: `${origin}/notify/appriseKeyIsASecret`,
    pingUrl: `${origin}/ping/6f1c2f9e-55a1-4d4e-8f53-3e0f8a1f7c11`,
    uptimeKumaUrl: `${origin}/api/push/kumaTokenIsASecret`,
    requests,
    accepted: () => requests.filter(({ status = 0 }) => status >= 200 && status < 300),
    next: (...behaviours) => void planned.push(...behaviours),
    always: (behaviour) => {
      usual = behaviour;
    },
    at: (path, behaviour) => void places.set(path, behaviour),
    arrived: (count) =>
      requests.length >= count ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ count, resolve })),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function contractsWith(signingKey: string): readonly Contract[] {
  return [
    slack,
    standardWebhooks(signingKey),
    alertmanagerWebhook,
    discord,
    teams,
    pagerDuty,
    pagerDutyChange,
    ntfy,
    alertmanager,
    apprise,
    healthchecks,
    uptimeKuma,
    cronitor,
    called,
  ];
}

async function read(incoming: IncomingMessage): Promise<Request> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '/', 'http://receiver');
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const body = Buffer.concat(chunks).toString('utf8');
  const query = Object.fromEntries(url.searchParams);
  return { method: incoming.method ?? '', path: url.pathname, query, headers, body, json: parsed(body) };
}

interface Answering {
  readonly behaviour: Behaviour;
  readonly contract: Contract | undefined;
}

function answer(received: Received, response: ServerResponse, { behaviour, contract }: Answering): void {
  if (behaviour.hang) return;
  if (behaviour.drop) return void response.destroy();
  const right = received.violation === undefined ? contract?.answer(received) : undefined;
  const status = behaviour.status ?? right?.status ?? 400;
  setTimeout(() => {
    // A client that is gone took no answer.
    if (response.destroyed) return;
    received.status = status;
    response.writeHead(status, { 'content-type': 'text/plain', ...right?.headers, ...behaviour.headers });
    const body = behaviour.body ?? (status === right?.status ? right.body : (received.violation ?? 'no'));
    if (behaviour.endless) response.write(body);
    else response.end(body);
  }, behaviour.delayMs ?? 0);
}
