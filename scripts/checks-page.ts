import type { TaskWords } from '../src/engine/words.ts';
import type { Check } from '../src/health/check.ts';
import { table } from './table.ts';

/** `docs/checks.md`: every check of health, from its declaration. */
export function checksPage(checks: readonly Check[], health: TaskWords): string {
  const defaults = new Map(health.settings.map(({ key, fallback }) => [key, fallback.replace(/^default /, '')]));
  const rows = checks.map((check) => [
    `[\`${check.id}\`](runbooks/${check.id}.md)`,
    check.dimension,
    check.measures,
    withDefaults(check.warns, defaults),
    withDefaults(check.fails, defaults),
    check.alertClass,
    check.impact,
  ]);
  return `<!-- Written by \`npm run generate\`; edit the check instead. -->

# Checks of health

What \`maint health\` asks, in its order. A failure of class \`page\` wakes someone, \`ticket\` waits for working hours,
\`report\` for the weekly report; a warning is at most a ticket. What could not be found out is a \`crash\`, never a failure.
Settings stand below \`tasks.health\`, here with their defaults; [tasks.md](tasks.md#health) explains each.
\`maint runbook <check>\` prints the page of a check.

${table(['check', 'dimension', 'what is measured', 'warns from', 'fails from', 'class', 'why it matters'], rows)}

\`MAINT_FAULT=<check>=warn|fail|crash maint health\` forces the outcome of any of them, so that a person can see that its
alarm arrives. The monthly \`maint cert-audit\` is about certificates and tokens: [certificates](runbooks/certificates.md).
`;
}

/** Shows each setting that a text names with its default, so that the two cannot part. */
function withDefaults(text: string | undefined, defaults: ReadonlyMap<string, string>): string {
  return (text ?? '–').replaceAll(/`([\w.[\]]+)`/g, (quoted, key: string) => {
    const fallback = defaults.get(key);
    if (fallback === undefined) throw new Error(`a check names the setting ${key}, which does not exist`);
    return fallback === 'optional' || fallback === 'required' ? quoted : `${quoted} (${fallback})`;
  });
}
