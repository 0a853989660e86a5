import { expect, test } from 'vitest';
import { entryOf } from '../../../src/alerts/channels/entries.ts';
import { notificationOf } from '../../support/notifications.ts';

test('an alarm says why it matters, and its end does not', () => {
  const impact = 'nothing can be written once it is full';
  const factsOf = (reason: 'first' | 'recovered') => entryOf(notificationOf({ reason, impact }), 500).facts;
  expect(factsOf('first')).toContainEqual({ name: 'Impact', value: impact });
  expect(factsOf('recovered').map(({ name }) => name)).toEqual(['Status']);
});
