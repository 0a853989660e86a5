import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import type { ServerPrograms } from '../src/adapters/server-programs.ts';
import { SIGNING_KEY, startReceiver, type Receiver } from '../test/support/receiver.ts';
import { alertReader, type NewAlerts } from './alerts.ts';
import { APP, fillDatabase, startApp, type App } from './app.ts';
import { writeCertificate } from './certificate.ts';
import { readableServer } from './preflight.ts';
import type { Stage } from './stage.ts';

/** A small production system: a database, its app, whoever hears of alerts, and maint's settings for them. */
export interface Scene {
  readonly cluster: Cluster;
  /** Tells which alerts arrived since it was last asked. */
  readonly news: () => NewAlerts;
  /** The maint.yaml. */
  readonly config: string;
  /** Where backups go. */
  readonly backups: string;
  /** A certificate that expires soon; undefined where openssl is not installed. */
  readonly certificate: string | undefined;
}

/** How to build it. */
export interface SceneRequest {
  readonly server: ServerPrograms;
  /** Stop the server in the end and leave its files. */
  readonly isKept: boolean;
}

/** Builds everything in the folder of the stage. */
export async function buildScene(stage: Stage, request: SceneRequest): Promise<Scene> {
  const { folder, signal } = stage;
  const binDirectory = await readableServer(request.server, folder);
  const cluster = await stage.open(() => openCluster({ binDirectory, folder, isKept: request.isKept }));
  await fillDatabase(cluster, signal);
  const app = await stage.open(() => startApp(cluster));
  const receiver = await stage.open(() => startReceiver());
  const backups = join(folder, 'backups');
  mkdirSync(backups, { mode: 0o700 });
  const config = join(folder, 'maint.yaml');
  writeFileSync(config, settings({ cluster, app, receiver, folder, backups }), { mode: 0o600 });
  return { cluster, news: alertReader(receiver), config, backups, certificate: await writeCertificate(folder) };
}

interface ClusterPlace {
  readonly binDirectory: string;
  readonly folder: string;
  readonly isKept: boolean;
}

/** The server always stops; its files go too, unless they are to be kept. */
async function openCluster({ binDirectory, folder, isKept }: ClusterPlace): Promise<Cluster> {
  const cluster = await startCluster({ binDirectory, parentDirectory: folder, uid: process.getuid?.() });
  // A short name for the folder of the socket, which is the host in every report.
  symlinkSync(cluster.directory, join(folder, 'db'));
  return isKept ? { ...cluster, [Symbol.asyncDispose]: () => cluster.stop() } : cluster;
}

interface Parts {
  readonly cluster: Cluster;
  readonly app: App;
  readonly receiver: Receiver;
  readonly folder: string;
  readonly backups: string;
}

/** The configuration file, as a person would write it. Texts in JSON are texts in YAML. */
function settings({ cluster, app, receiver, folder, backups }: Parts): string {
  const url = cluster.url(APP).replace(cluster.socketDirectory, join(folder, 'db'));
  return `# What maint looks after here, and how. \`maint config print\` shows it with all defaults.
name: ${APP}
state: ${JSON.stringify(join(folder, 'state'))}
database:
  url: ${JSON.stringify(url)}

tasks:
  health:
    # Generous, for nobody knows how full and how busy the machine of a demo is.
    database: { warnAfter: 5s }
    disks: [${JSON.stringify(dirname(folder))}]
    disk: { warnAt: 0.99, failAt: 0.999 }
    memory: { warnAt: 0.99, failAt: 0.999 }
    # The receipts have used up 97 % of their numbers: worth a warning, but this story is another.
    sequences: { warnAt: 0.9, failAt: 0.99 }
    http:
      - { name: ${APP}, url: ${JSON.stringify(app.healthUrl)}, contains: messages, warnAfter: 4s, retryAfter: 200ms }
  backup:
    directory: ${JSON.stringify(backups)}
    keep: { daily: 7, weekly: 4, monthly: 12 }
  verify-backup:
    directory: ${JSON.stringify(backups)}

alerts:
  channels:
    - { name: slack, type: slack, url: ${JSON.stringify(receiver.slackUrl)} }
    - { name: webhook, type: webhook, url: ${JSON.stringify(receiver.webhookUrl)}, signingKey: ${SIGNING_KEY} }
`;
}
