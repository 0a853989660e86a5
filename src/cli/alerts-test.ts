import { randomInt, randomUUID } from 'node:crypto';
import { http } from '../adapters/http.ts';
import { mail } from '../adapters/mail.ts';
import { wait } from '../adapters/wait.ts';
import { afterTest, confirmed, recordOf, type ChannelRecords } from '../alerts/channel-record.ts';
import type { Channel } from '../alerts/channels/settings.ts';
import { deliver, type Delivery } from '../alerts/deliver.ts';
import { testMessage, type AlertMessage, type TestPart } from '../alerts/message.ts';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { journalChannelRecords } from './alert-store.ts';
import { pickChannels } from './alerts-test-channels.ts';
import { printedTest, testLine, type Tested } from './alerts-test-text.ts';
import { carryOf } from './carried.ts';
import type { AlertTestInvocation } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';

/**
 * `maint alerts test`: sends an alert that says it is a test, and its end, on the same way as an alarm, and tells what
 * became of them; or shows what it would send.
 * @returns 0 when every channel took it, 1 when one did not
 * @throws MaintError CONFIG_INVALID when there is no channel, USAGE when a name or code is unknown
 */
export async function alertTestCommand(invocation: AlertTestInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  if (invocation.print) {
    const channels = pickChannels(config.alerts, invocation);
    const messages = partsOf(randomUUID(), undefined).map((test) => messageOf(test, config, world));
    world.stdout.write(printedTest(channels, messages, world.now()));
    return 0;
  }
  using journal = openJournal(stateDirectory(world, invocation.common, config), world.now());
  const records = journalChannelRecords(journal);
  for (const notice of journal.notices) world.stderr.write(`${notice}\n`);
  if (invocation.confirm !== undefined) return confirm(invocation.confirm, { world, records });
  // Awaited here, while the journal is open.
  return await sendTests(invocation, { config, world, records });
}

interface Surroundings {
  readonly config: Config;
  readonly world: World;
  readonly records: ChannelRecords;
}

async function sendTests(invocation: AlertTestInvocation, surroundings: Surroundings): Promise<number> {
  const { config, world } = surroundings;
  const run = randomUUID();
  const channels = pickChannels(config.alerts, invocation);
  const tested = await Promise.all(channels.map(async (channel) => testOne(channel, run, surroundings)));
  const { stdout } = world;
  if (invocation.format === 'json')
    stdout.write(`${JSON.stringify({ format: 1, run, channels: tested.map(({ shown }) => shown) })}\n`);
  else stdout.write(tested.map(testLine).join(''));
  return tested.every(({ shown }) => shown.delivered && shown.resolved) ? 0 : 1;
}

/** The trigger, and where it was taken its end; both are written down. */
async function testOne(channel: Channel, run: string, { config, world, records }: Surroundings): Promise<Tested> {
  const code = needsPerson(channel) ? newCode() : undefined;
  const deliveries: Delivery[] = [];
  for (const part of partsOf(run, code)) {
    const message = messageOf(part, config, world);
    const [delivery] = await deliver({ message, channels: [channel], ...sendingFor(config, world) });
    if (delivery !== undefined) deliveries.push(delivery);
    if (delivery?.delivered !== true) break;
  }
  records.save(afterTest(recordOf(records.load(), channel.name), deliveries, { at: world.now(), code }));
  const [trigger, resolve] = deliveries;
  if (trigger === undefined) throw new Error(`nothing was sent to ${channel.name}`);
  const failed = resolve ?? trigger;
  return {
    needsCode: code !== undefined && trigger.delivered,
    shown: { ...trigger, resolved: resolve?.delivered === true, error: failed.error },
  };
}

/** What is taken by these services is not yet seen by anybody. */
function needsPerson({ type }: Channel): boolean {
  return type === 'email' || type === 'teams';
}

function newCode(): string {
  return String(randomInt(100_000, 1_000_000));
}

type Part = TestPart & { readonly run: string };

function partsOf(run: string, code: string | undefined): readonly Part[] {
  return [
    { run, phase: 'trigger', ...(code !== undefined && { code }) },
    { run, phase: 'resolve' },
  ];
}

function messageOf({ run, ...part }: Part, { project, file }: Config, world: World): AlertMessage {
  const command = part.code === undefined ? undefined : `maint alerts test --confirm ${part.code}`;
  const confirmBy = command && (carryOf(file ?? undefined)?.(command) ?? command);
  const test = { ...part, ...(confirmBy !== undefined && { confirmBy }) };
  return testMessage({ run, project, host: world.hostname, now: world.now(), test });
}

function sendingFor({ alerts }: Config, world: World) {
  return {
    http,
    mail,
    wait,
    signal: AbortSignal.timeout(alerts.timeout * 5),
    timeoutMs: alerts.timeout,
    now: () => world.now(),
  };
}

function confirm(code: string, { world, records }: Omit<Surroundings, 'config'>): number {
  const record = confirmed(records.load(), code, world.now());
  if (record === undefined)
    throw new MaintError('USAGE', `no test that waits for an answer carried the code "${code}"`, {
      hint: 'Run maint alerts test, and type the code of the message that arrived.',
    });
  records.save(record);
  world.stdout.write(`✓ ${record.channel}  somebody saw the test\n`);
  return 0;
}
