/** Writes docs/events.md from the published names; a test keeps the two equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventNames } from '../packages/troupe/src/core/index.ts'

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

if (import.meta.main) writeFileSync(eventsDoc, renderEvents())
