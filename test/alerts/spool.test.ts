import { expect, test } from 'vitest';
import { fingerprintOf, readFindings } from '../../src/alerts/problems.ts';
import { stillTrue } from '../../src/alerts/spool.ts';
import { stateOf } from '../support/alerts.ts';
import { messageOf, notificationOf } from '../support/notifications.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const FINGERPRINT = fingerprintOf('app', 'health', 'disk /');
const RECOVERY = notificationOf({ fingerprint: FINGERPRINT, reason: 'recovered', channels: ['slack', 'hook'] });
const WAITING = { ...messageOf([RECOVERY], { project: 'app' }), takenBy: [] };

/** The channels that a waiting recovery is still for, when these have not heard of it according to the state. */
function listeners(deliveredTo: readonly string[] | undefined, channels: readonly string[]): unknown {
  const findings = readFindings(reportOf([taskOf('health', stepOf('disk /', 'fine'))]), 'fail');
  const states = deliveredTo === undefined ? [] : [stateOf({ fingerprint: FINGERPRINT, deliveredTo })];
  return stillTrue(WAITING, { findings, states, channels, isQuiet: () => false }).notifications.map(
    (notification) => notification.channels,
  );
}

test('does not send a recovery again to a channel that is known to have taken it', () => {
  expect(listeners(['hook'], ['slack', 'hook'])).toEqual([['hook']]);
});

test('sends a recovery to all it was meant for when the state was lost', () => {
  expect(listeners(undefined, ['slack', 'hook'])).toEqual([['slack', 'hook']]);
});

test('forgets a recovery for a channel that no longer exists', () => {
  expect(listeners(['slack', 'hook'], ['hook'])).toEqual([['hook']]);
  expect(listeners(undefined, ['other'])).toEqual([]);
});
