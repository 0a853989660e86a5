import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { taskWords } from '../tasks/words.ts';
import type { Invocation } from './invocation.ts';
import { quickAnswer } from './root-help.ts';

/**
 * The program as a function: words and world in, exit code out. Everything heavier than the command line itself is
 * loaded by the command that needs it, so that help and usage errors stay quick.
 * @param argv the words after `maint`
 */
export async function main(argv: readonly string[], world: World): Promise<number> {
  let told = world;
  try {
    const surface = { words: taskWords, version: world.version, columns: world.stdout.columns };
    const invocation = quickAnswer(argv, surface) ?? (await import('./program.ts')).parseCommandLine(argv, surface);
    if ('common' in invocation) told = (await import('./carried.ts')).carryingWorld(invocation, world);
    return await dispatch(invocation, told);
  } catch (error) {
    const format = argv.includes('--json') ? 'json' : 'text';
    const { explain } = await import('./explain.ts');
    const { exitCode, text } = explain(error, { format, version: world.version });
    told.stderr.write(text);
    if (!isForNagios(argv)) return exitCode;
    world.stdout.write('MAINT HEALTH UNKNOWN: it could not begin; stderr tells why\n');
    return 3;
  }
}

async function dispatch(invocation: Invocation, world: World): Promise<number> {
  switch (invocation.kind) {
    case 'answer':
      world.stdout.write(invocation.text);
      return 0;
    case 'run':
      return (await import('./run.ts')).runCommand(invocation, world);
    case 'restore':
      return (await import('./restore.ts')).restoreCommand(invocation, world);
    case 'restore-files':
      return (await import('./restore-files.ts')).restoreFilesCommand(invocation, world);
    case 'restore-sweep':
      return (await import('./restore-sweep.ts')).restoreSweepCommand(invocation, world);
    case 'prune-restore':
      return (await import('./prune-restore.ts')).pruneRestoreCommand(invocation, world);
    case 'backups-list':
    case 'backups-show':
    case 'backups-status':
    case 'backups-prune':
    case 'backups-pin':
    case 'backups-unpin':
    case 'backups-ack':
    case 'backups-selftest':
      return (await import('./backups.ts')).backupsCommand(invocation, world);
    case 'tick':
      return (await import('./tick.ts')).tickCommand(invocation, world);
    case 'exec':
      return (await import('./exec.ts')).execCommand(invocation, world);
    case 'status':
      return (await import('./status.ts')).statusCommand(invocation, world);
    case 'history':
      return (await import('./history.ts')).historyCommand(invocation, world);
    case 'doctor':
      return (await import('./doctor.ts')).doctorCommand(invocation, world);
    case 'runbook':
      return (await import('./runbook.ts')).runbookCommand(invocation, world);
    case 'config-check':
    case 'config-print':
    case 'config-schema':
      return (await import('./config.ts')).configCommand(invocation, world);
    case 'init':
      return (await import('./init.ts')).initCommand(invocation, world);
    case 'alerts-list':
    case 'alerts-show':
    case 'alerts-explain':
    case 'alerts-ack':
    case 'alerts-close':
    case 'alerts-stats':
    case 'alerts-tune':
    case 'silence-add':
    case 'silence-list':
    case 'silence-expire':
      return (await import('./alerts.ts')).alertsCommand(invocation, world);
    case 'alert-rules':
      return (await import('./alerts-rules.ts')).alertRulesCommand(invocation, world);
    case 'alert-test':
      return (await import('./alerts-test.ts')).alertTestCommand(invocation, world);
    case 'cron-print':
      return (await import('./cron-print.ts')).cronPrintCommand(invocation, world);
    case 'cron-install':
    case 'cron-uninstall':
      return (await import('./cron-install.ts')).cronInstallCommand(invocation, world);
    case 'cron-lint':
      return (await import('./cron-lint.ts')).cronLintCommand(invocation, world);
    case 'cron-simulate':
      return (await import('./cron-simulate.ts')).cronSimulateCommand(invocation, world);
    case 'completion':
      world.stdout.write((await import('./complete.ts')).completionScript(invocation.shell, taskWords));
      return 0;
    default:
      throw new MaintError('USAGE', 'this command is not known');
  }
}

/** A monitoring system takes any exit code but 3 for news about what it watches. */
function isForNagios(argv: readonly string[]): boolean {
  return argv.includes('--format=nagios') || argv[argv.indexOf('--format') + 1] === 'nagios';
}
