import type { ScheduledJob, ScheduledProject } from './jobs.ts';

/** A workflow with a job for each round. `words` of the jobs begin with what comes after `maint`. */
export function githubWorkflow({ project, timezone, jobs }: ScheduledProject): string {
  const schedules = [...new Set(jobs.map(({ expression }) => expression.text))];
  return `# .github/workflows/maint-${project}.yml. GitHub counts in UTC${timezone === 'UTC' ? '' : `, maint.yaml in ${timezone}`}, and starts late when it is busy.
# To adapt: the secret DATABASE_URL, and a database that the runner reaches. The state ends with each run, so alerts
# know nothing of earlier ones; on a machine of your own, cron or systemd does better.
name: maint ${project}
on:
  schedule:
${schedules.map((schedule) => `    - cron: ${JSON.stringify(schedule)}`).join('\n')}
  workflow_dispatch: {}
permissions:
  contents: read
concurrency:
  group: maint-${project}
jobs:
${jobs.map(jobText).join('\n')}
`;
}

function jobText({ name, expression, words }: ScheduledJob): string {
  return `  ${name}:
    if: github.event_name == 'workflow_dispatch' || github.event.schedule == '${expression.text}'
    runs-on: ubuntu-latest
    timeout-minutes: 360
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 24 }
      - run: npm ci
      - run: npx maint ${words.join(' ')}
        env:
          DATABASE_URL: \${{ secrets.DATABASE_URL }}`;
}
