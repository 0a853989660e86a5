import { describe, expect, test } from 'vitest';
import { prune } from '../../../src/tasks/prune.ts';

const AGE = { olderThan: '7 days' };

/** What is wrong with a block of hotmesh: the place and the words. */
function faultsOf(hotmesh: unknown, rest: object = {}): readonly string[] {
  const { error } = prune.settings.safeParse({ hotmesh, ...rest });
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'invalid_union'
      ? issue.errors.flat().map(({ path, message }) => `${path.join('.')}: ${message}`)
      : [`${issue.path.join('.')}: ${issue.message}`],
  );
}

describe('the block of HotMesh', () => {
  test('without a word of its own has the four rules that HotMesh ships with, and comes with its tier', () => {
    expect(prune.settings.parse({ hotmesh: {} }).hotmesh?.maintenance).toEqual({
      rules: [
        { target: 'streams', action: 'delete', olderThan: '7 days' },
        { target: 'jobs', action: 'delete', olderThan: '7 days', hasEntity: false },
        { target: 'jobs', action: 'prune', olderThan: '7 days', hasEntity: true },
        { target: 'jobs', action: 'delete', olderThan: '90 days', pruned: true },
      ],
    });
  });

  test.for([
    [{ target: 'streams', action: 'prune' }, 'streams cannot be pruned'],
    [{ target: 'streams', action: 'delete', hasEntity: true }, 'says nothing about streams'],
    [{ target: 'streams', action: 'delete', pruned: true }, 'says nothing about streams'],
    [{ target: 'streams', action: 'delete', statuses: ['resolved'] }, 'only escalations have statuses'],
    [{ target: 'jobs', action: 'delete' }, 'delete which jobs?'],
    [{ target: 'jobs', action: 'delete', hasEntity: true }, 'only after they were pruned: add pruned: true'],
    [{ target: 'jobs', action: 'delete', hasEntity: false, pruned: false }, 'can only be true'],
    [{ target: 'jobs', action: 'prune' }, 'only jobs with an entity are pruned'],
    [{ target: 'jobs', action: 'prune', hasEntity: false }, 'only jobs with an entity are pruned'],
    [{ target: 'jobs', action: 'prune', hasEntity: true, pruned: true }, 'no job is pruned twice'],
    [{ target: 'escalations', action: 'prune' }, 'escalations cannot be pruned'],
    [{ target: 'escalations', action: 'delete', statuses: ['pending'] }, '"resolved"|"cancelled"|"expired"'],
    [{ target: 'signals', action: 'delete' }, '"streams"|"jobs"|"escalations"'],
    [{ target: 'jobs', action: 'delete', hasEntity: false, age: 'x' }, 'Unrecognized key: "age"'],
  ] as const)('refuses %j', ([rule, words]) => {
    expect(faultsOf({ maintenance: { rules: [{ ...AGE, ...rule }] } }).join('\n')).toContain(words);
  });

  test.for([
    { target: 'jobs', action: 'delete', hasEntity: true, pruned: true },
    { target: 'jobs', action: 'delete', hasEntity: false, pruned: true },
    { target: 'escalations', action: 'delete' },
    { target: 'escalations', action: 'delete', statuses: ['resolved', 'expired'] },
  ])('knows %j too', (rule) => {
    expect(faultsOf({ maintenance: { rules: [{ ...AGE, ...rule }] } })).toEqual([]);
  });

  test('refuses a schedule that is none, two rules for the same rows, and an application without a name', () => {
    const rule = { target: 'streams', action: 'delete', ...AGE };
    expect(faultsOf({ maintenance: { schedule: '0 25 * * *' } }).join()).toContain('is no schedule');
    expect(faultsOf({ maintenance: { schedule: '1 day' } }).join()).toContain('is no schedule');
    expect(faultsOf({ maintenance: { rules: [rule, { ...rule, olderThan: '8 days' }] } }).join()).toContain(
      'same rows',
    );
    expect(faultsOf({ apps: [{}] }).join()).toContain('name the schema, the appId or both');
    expect(faultsOf({ apps: [{ schema: 'a' }, { schema: 'a' }] }).join()).toContain('named twice');
  });

  test('gives its rules names that --rule knows and that no other rule may have', () => {
    expect(faultsOf({}, { rule: 'hotmesh-entity-jobs' })).toEqual([]);
    expect(faultsOf({}, { rule: 'hotmesh-escalations' }).join()).toContain('no rule has this name');
    expect(faultsOf({ maintenance: false }, { rule: 'hotmesh-streams' }).join()).toContain('no rule has this name');
    const rules = [{ name: 'hotmesh-streams', table: 't', age: 'at', ...AGE }];
    expect(faultsOf({}, { rules }).join()).toContain('has the name of one of hotmesh');
  });
});
