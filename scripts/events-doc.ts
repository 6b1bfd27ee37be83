/** Writes docs/events.md from the published events and their fields, and docs/metrics.md with it; tests keep them equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventNames } from '../packages/troupe/src/core/index.ts'
import { type EventField, readEventFields } from './event-fields.ts'
import { metricsDoc, renderMetrics } from './metrics-doc.ts'

export const eventsDoc = fileURLToPath(new URL('../docs/events.md', import.meta.url))

const fieldRow = ({ name, type, isOptional, about }: EventField): string =>
  `| \`${name}${isOptional ? '?' : ''}\` | \`${type.replaceAll('|', '\\|')}\` | ${about} |`

const tableOf = (fields: readonly EventField[]): readonly string[] =>
  fields.length === 0 ? [] : ['| field | type | |', '|---|---|---|', ...fields.map(fieldRow), '']

/** The text of the page. */
export function renderEvents(): string {
  const fields = readEventFields()
  const ofRun = fields.get('run.started') ?? []
  return [
    '# Events',
    '',
    '`troupe.on(type, observer)` calls an observer for each event that occurs in the process. `type` is the name of an event, a',
    'prefix (`run.*`), or `*`; it decides the type of the event, so that the fields below are known to TypeScript. It returns a',
    'function that ends the observation. An observer can neither slow nor break what it observes.',
    '',
    '```ts',
    "import { createTroupe } from 'troupe'",
    '',
    "const troupe = await createTroupe({ storage: 'memory:' })",
    "const off = troupe.on('tool.called', ({ tool, agent, durationMs }) => console.log(tool, agent, durationMs < 10_000))",
    "troupe.on('run.waiting', ({ runId, reason, questions }) => console.log(runId, reason, questions))",
    "await troupe.user('ada').agent('Support').tools.call('push_context', { key: 'plan', value: 'tea' })",
    'await troupe.close()',
    'off()',
    '```',
    '',
    '```text',
    'push_context Support true',
    '```',
    '',
    'Fields hold ids, names, counts and codes; no event has the content of an entry, a message, a prompt or an answer. The events',
    'of a run are also in its journal, with their content: `run.events()`. Every event is counted as a metric:',
    '[metrics](metrics.md). Secrets that the configuration names are masked in every field.',
    '',
    '## Fields of every event',
    '',
    '| field | type | |',
    '|---|---|---|',
    '| `type` | `EventName` | The name of the event. |',
    '| `at` | `number` | ms since 1970. |',
    '| `userId?` | `string` | Absent for an event that belongs to no user. |',
    '| `requestId?` | `string` | The HTTP request that caused it, as `x-request-id` names it. |',
    '| `runId?`, `stepId?`, `agent?` | `string` | The run, the journal of the step and the agent within which it occurred. |',
    '| `threadId?` | `string` | The thread of the session within whose call it occurred. |',
    '| `trace?`, `span?`, `parent?` | `string` | Of W3C Trace Context: 32 and 16 hexadecimal digits. |',
    '| `isSampled?` | `false` | False if the caller of the trace does not record it; absent otherwise. |',
    '',
    '## Fields of every event of a run',
    '',
    ...tableOf(ofRun),
    '## List',
    '',
    ...Object.entries(eventNames).flatMap(([name, description]) => {
      const own = fields.get(name) ?? []
      const isOfRun = ofRun.every((field) => own.some((one) => one.name === field.name))
      const rest = isOfRun ? own.filter((one) => !ofRun.some((field) => field.name === one.name)) : own
      const text = isOfRun ? `${description} An event of a run.` : description
      return [`### \`${name}\``, '', text, '', ...tableOf(rest)]
    }),
  ].join('\n')
}

// Each event is a metric too.
if (import.meta.main) {
  writeFileSync(eventsDoc, renderEvents())
  writeFileSync(metricsDoc, renderMetrics())
}
