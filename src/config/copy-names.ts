import type { z } from 'zod';
import { LOCAL } from '../backups/layout.ts';
import type { TaskBlock } from './task-block.ts';
import { isMapping } from './tree.ts';

/** What the names of copies are looked up in. */
interface Named {
  readonly backups: { readonly copies: readonly { readonly name: string }[] };
  readonly tasks: Readonly<Record<string, TaskBlock>>;
}

/** A task that names a copy which is not configured would find out too late that it has nothing to look at. */
export function requireKnownCopies({ backups, tasks }: Named, context: z.RefinementCtx): void {
  const names = [LOCAL, ...backups.copies.map(({ name }) => name)];
  for (const [task, { settings }] of Object.entries(tasks)) {
    const copy = isMapping(settings) ? settings['copy'] : undefined;
    if (typeof copy !== 'string' || names.includes(copy)) continue;
    context.addIssue({
      code: 'custom',
      path: ['tasks', task, 'copy'],
      message: `there is no copy ${copy}; backups.copies and this host have ${names.join(', ')}`,
    });
  }
}
