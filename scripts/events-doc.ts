/** Writes docs/events.md from the published names, and docs/metrics.md with it; tests keep them equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventNames } from '../packages/troupe/src/core/index.ts'
import { metricsDoc, renderMetrics } from './metrics-doc.ts'

export const eventsDoc = fileURLToPath(new URL('../docs/events.md', import.meta.url))

/** The page's text. */
export const renderEvents = (): string =>
  [
    '# Events',
    '',
    'What `troupe.on(type, observer)` tells: a name of this list, all that begin alike (`run.*`), or all (`*`). Every event has',
    '`type`, `at` (ms since 1970) and, where it belongs to one, `userId`; none carries a payload. The events of a run stand in its',
    'journal too, in full: `run.events()`. Written by `node scripts/events-doc.ts`.',
    '',
    '| event | when |',
    '|---|---|',
    ...Object.entries(eventNames).map(([name, when]) => `| \`${name}\` | ${when} |`),
    '',
  ].join('\n')

// Each event is a metric too.
if (import.meta.main) {
  writeFileSync(eventsDoc, renderEvents())
  writeFileSync(metricsDoc, renderMetrics())
}
