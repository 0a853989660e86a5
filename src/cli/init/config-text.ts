import type { Surroundings } from './look-around.ts';

/** Writes a commented configuration from what was found. Holds no secret. */
export function configText({ project, database, backupDirectory, disks, schedule }: Surroundings): string {
  return `# The configuration of maint for ${comment(database ?? project)}.
# maint config check names every mistake in it; maint config print shows it with all defaults.

# What reports, alerts and backups call this project.
name: ${text(project)}

database:
  # Filled in from the environment, so that no secret stands here. A file or a command can give it too:
  # url: { file: /etc/maint/database-url }
  url: \${DATABASE_URL}

# When cron calls each tier; tells what is overdue. The minutes differ from project to project.
timezone: UTC
schedule:
  daily: ${text(schedule.daily)}
  weekly: ${text(schedule.weekly)}
  monthly: ${text(schedule.monthly)}
  quarterly: ${text(schedule.quarterly)}

backups:
  # Another disk than that of the database is best.
  directory: ${text(backupDirectory)}

tasks:
  health:
    # Disks to watch.
    disks:
${disks.map((disk) => `      - ${text(disk)}`).join('\n')}
    # Addresses of the application that must answer.
    # http:
    #   - url: https://app.example.com/health

  backup:
    # Which backups stay when newer ones have come: the last 7, and the newest of 14 days, 8 weeks and 12 months.
    # Only verified backups count, and the newest is never removed. Without this block nothing is ever removed.
    keep:
      last: 7
      daily: 14
      weekly: 8
      monthly: 12

# Who hears of problems. Try it with: maint alerts test
# alerts:
#   channels:
#     - name: ops
#       type: slack
#       url: \${SLACK_WEBHOOK_URL}

# A dead man's switch: someone else raises the alarm when maint itself no longer runs.
# heartbeat:
#   url: \${HEARTBEAT_URL}
`;
}

/** JSON texts are YAML texts; a doubled start keeps a name from being taken for a variable. */
function text(value: string): string {
  return JSON.stringify(value.replaceAll('${', () => '$${'));
}

function comment(value: string): string {
  return value.replaceAll(/\s+/g, ' ');
}
