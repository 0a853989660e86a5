import { randomUUID } from 'node:crypto';
import { http } from '../adapters/http.ts';
import { mail } from '../adapters/mail.ts';
import { wait } from '../adapters/wait.ts';
import { deliver, type Delivery } from '../alerts/deliver.ts';
import { testMessage } from '../alerts/message.ts';
import { MaintError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import { formatDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import type { Invocation } from './invocation.ts';

type AlertTestInvocation = Extract<Invocation, { readonly kind: 'alert-test' }>;

/**
 * `maint alerts test`: sends a message that says it is a test, on the same way as an alarm, and tells what became of it.
 * @returns 0 when every channel took it, 1 when one did not
 * @throws MaintError CONFIG_INVALID when there is no channel, USAGE when the named one is unknown
 */
export async function alertTestCommand(invocation: AlertTestInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  const channels = pickChannels(config.alerts.channels, invocation.channel);
  const run = randomUUID();
  const deliveries = await deliver({
    message: testMessage({ run, project: config.project, host: world.hostname, now: world.now() }),
    channels,
    http,
    mail,
    wait,
    signal: AbortSignal.timeout(config.alerts.timeout * 5),
    timeoutMs: config.alerts.timeout,
    now: () => world.now(),
  });
  if (invocation.format === 'json') stdout.write(`${JSON.stringify({ format: 1, run, channels: deliveries })}\n`);
  else stdout.write(deliveries.map(line).join(''));
  return deliveries.every(({ delivered }) => delivered) ? 0 : 1;
}

function pickChannels<Named extends { readonly name: string }>(
  channels: readonly Named[],
  name: string | undefined,
): readonly Named[] {
  const names = channels.map((channel) => channel.name);
  if (channels.length === 0)
    throw new MaintError('CONFIG_INVALID', 'no alert channel is configured', {
      hint: 'Add one under alerts.channels; config/maint.example.yaml shows how.',
    });
  const picked = channels.filter((channel) => name === undefined || channel.name === name);
  if (name === undefined || picked.length > 0) return picked;
  const meant = suggest(name, names);
  throw new MaintError('USAGE', `there is no channel "${name}"`, {
    hint: meant === undefined ? `Known channels: ${names.join(', ')}.` : `Did you mean "${meant}"?`,
  });
}

function line({ channel, delivered, status, latencyMs, attempts, error }: Delivery): string {
  const answer = [
    ...(status === null ? [] : [`HTTP ${status}`]),
    ...(latencyMs === null ? [] : [formatDuration(latencyMs)]),
    ...(attempts > 1 ? [`${attempts} tries`] : []),
  ].join(', ');
  return `${delivered ? '✓' : '✗'} ${channel}  ${delivered ? `took the test (${answer})` : `did not take it: ${error ?? answer}`}\n`;
}
