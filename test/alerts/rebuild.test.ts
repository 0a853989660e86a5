import { expect, test } from 'vitest';
import { changeEvent, toldEvent, type AlertEvent } from '../../src/alerts/events.ts';
import type { Reason } from '../../src/alerts/notification.ts';
import { rebuiltStates } from '../../src/alerts/rebuild.ts';
import { stateOf } from '../support/alerts.ts';
import { notificationOf } from '../support/notifications.ts';

const AT = '2026-11-21T02:00:00.000Z';

function told(reason: Reason, channels: readonly string[]): AlertEvent {
  const notification = notificationOf({ reason, alertClass: reason === 'escalated' ? 'page' : 'ticket' });
  return toldEvent({ notification, channels, at: AT }, 'run-1');
}

function resolved(): AlertEvent {
  const state = stateOf({ phase: 'ok', summary: '41 % full' });
  return changeEvent({ kind: 'resolved', state, alertClass: 'ticket', run: 'run-2' }, new Date(AT));
}

test('knows who believes in a problem, and as what it was told', () => {
  const states = rebuiltStates([told('first', ['chat']), told('escalated', ['boss']), told('repeat_due', ['chat'])]);
  expect(states).toMatchObject([
    {
      fingerprint: '0123456789abcdef',
      phase: 'firing',
      deliveredTo: ['chat', 'boss'],
      toldClass: 'page',
      lastToldAt: AT,
    },
  ]);
});

test('knows that it is over, and who has not heard of it', () => {
  const events = [told('first', ['chat', 'pager']), resolved(), told('recovered', ['chat'])];
  expect(rebuiltStates(events)).toMatchObject([
    { phase: 'ok', deliveredTo: ['pager'], lastToldAt: null, summary: '41 % full' },
  ]);
});

test('knows nothing of what everybody heard the end of, or what nobody was told', () => {
  expect(rebuiltStates([told('first', ['chat']), resolved(), told('recovered', ['chat'])])).toEqual([]);
  expect(rebuiltStates([resolved()])).toEqual([]);
});
