import type { World } from '../base/world.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { printConfig } from '../config/print.ts';
import { describeProblem } from '../config/problem.ts';
import { checkConfig, loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import { plural } from '../base/units.ts';
import type { Invocation } from './invocation.ts';
import { reportJsonSchema } from './report-schema.ts';

type ConfigInvocation = Extract<Invocation, { readonly kind: 'config-check' | 'config-print' | 'config-schema' }>;

/**
 * `maint config check | print | schema`.
 * @throws MaintError CONFIG_NOT_FOUND, and CONFIG_INVALID when there is nothing to print
 */
export async function configCommand(invocation: ConfigInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  if (invocation.kind === 'config-schema') {
    const schema = invocation.of === 'report' ? reportJsonSchema() : configJsonSchema(tasks);
    stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
    return 0;
  }
  const request = { env, cwd, configPath: invocation.common.config, tasks };
  if (invocation.kind === 'config-print') {
    stdout.write(printConfig(await loadConfig(request)));
    return 0;
  }
  const { file, problems } = await checkConfig(request);
  const isGood = problems.length === 0;
  if (invocation.format === 'json') stdout.write(`${JSON.stringify({ format: 1, file, ok: isGood, problems })}\n`);
  else stdout.write(checkText(file, problems.map(describeProblem)));
  return isGood ? 0 : 2;
}

function checkText(file: string | null, problems: readonly string[]): string {
  const place = file ?? 'no configuration file: defaults and the environment';
  if (problems.length === 0) return `${place}: good\n`;
  return `${[...problems, `${place}: ${plural(problems.length, 'problem')}`].join('\n')}\n`;
}
