import type { ScheduledJob, ScheduledProject } from './jobs.ts';

/** The longest name of a CronJob, for its jobs add a number to it. */
const LONGEST_NAME = 52;

/** A CronJob for each round. `words` of the jobs begin with what comes after `maint`. */
export function kubernetesManifests({ project, timezone, jobs }: ScheduledProject): string {
  const head = [
    '# To adapt: the image (maint and the client programs of PostgreSQL), the ConfigMap with maint.yaml, the Secret with',
    '# DATABASE_URL, and the claim that keeps the state between runs.',
  ];
  return `${[...head, ...jobs.flatMap((job) => ['---', manifest(project, timezone, job)])].join('\n')}\n`;
}

function manifest(project: string, timezone: string, { name, expression, words }: ScheduledJob): string {
  const label = `maint-${project.replaceAll('_', '-')}`;
  const ending = `-${name}`;
  const full = `${label.slice(0, LONGEST_NAME - ending.length).replace(/-+$/, '')}${ending}`;
  return `apiVersion: batch/v1
kind: CronJob
metadata:
  name: ${full}
spec:
  schedule: ${JSON.stringify(expression.text)}
  timeZone: ${JSON.stringify(timezone)}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: maint
              image: registry.example.com/maint:latest
              command: ["maint"]
              args: ${JSON.stringify(words)}
              envFrom:
                - secretRef: { name: ${label} }
              volumeMounts:
                - { name: config, mountPath: /etc/maint, readOnly: true }
                - { name: state, mountPath: /var/lib/maint }
          volumes:
            - name: config
              configMap: { name: ${label} }
            - name: state
              persistentVolumeClaim: { claimName: ${label} }`;
}
