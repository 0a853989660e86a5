import { parseDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import type { AlertRulesInvocation } from './invocation.ts';

const DEFAULT_EVERY = '24h';
const MARGIN_SECONDS = 600;

/**
 * `maint alerts rules`: rules for Prometheus over the file that `textfile` of the configuration names. They say
 * that maint is silent, that it is not well, and, by an alert that always fires, that Prometheus itself still tells.
 * @throws MaintError USAGE when the interval is no duration
 */
export async function alertRulesCommand(invocation: AlertRulesInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const { project } = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  const everySeconds = Math.round(parseDuration(invocation.every ?? DEFAULT_EVERY) / 1_000);
  stdout.write(rules(project, everySeconds));
  return 0;
}

/** Two whole intervals may pass before silence means something: one run may be late or fail. */
function rules(project: string, everySeconds: number): string {
  const last = `max(maint_run_last_start_timestamp_seconds{project="${project}"})`;
  const silent = `time() - ${last} > ${2 * everySeconds + MARGIN_SECONDS}`;
  const absent = `absent(maint_run_last_start_timestamp_seconds{project="${project}"})`;
  return `# Written by: maint alerts rules. Load it with rule_files in prometheus.yml.
groups:
  - name: maint-${project}
    rules:
      # Always fires. Send it to a dead man's switch: when it stops, Prometheus or Alertmanager is broken.
      - alert: Watchdog
        expr: vector(1)
        labels: { severity: none, project: ${project} }
        annotations:
          summary: Prometheus evaluates rules and reaches its receivers.
      - alert: MaintStale
        expr: '${silent} or ${absent}'
        for: 5m
        labels: { severity: critical, project: ${project} }
        annotations:
          summary: maint has written no metrics for ${project} for two intervals.
          description: Nothing is checked and nothing is told. Look whether cron still starts it, with maint status and maint doctor.
      - alert: MaintNoSuccess
        expr: 'time() - max(maint_run_last_success_timestamp_seconds{project="${project}"}) > ${2 * everySeconds + MARGIN_SECONDS}'
        labels: { severity: warning, project: ${project} }
        annotations:
          summary: No run for ${project} was all well for two intervals.
          description: Something fails or cannot be found out, run after run. See maint alerts list and maint doctor.
`;
}
