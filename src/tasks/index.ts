import type { Task } from '../engine/task.ts';
import { backup } from './backup.ts';
import { certAudit } from './cert-audit.ts';
import { clean } from './clean.ts';
import { health } from './health.ts';
import { prune } from './prune.ts';
import { restoreTest } from './restore-test.ts';
import { verifyBackup } from './verify-backup.ts';

/** Every task, in running order. A new task is one file and one line here. */
export const tasks: readonly Task[] = [health, backup, verifyBackup, restoreTest, prune, clean, certAudit];
