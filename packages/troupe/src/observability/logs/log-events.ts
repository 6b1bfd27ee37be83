/** Logs events as lines of three logs: `context`, `performance`, `security`. */
import type { EventFields, EventPattern, Events, Json } from '../../core/index.ts'
import { type Log, type LogLevel, speaks } from './log.ts'

type EventLevel = Exclude<LogLevel, 'silent'>
type Part = 'context' | 'performance' | 'security'

const loggedEvents: readonly (readonly [EventPattern, Part, EventLevel])[] = [
  ['context.*', 'context', 'debug'],
  ['topic.*', 'context', 'debug'],
  ['incident.*', 'security', 'info'],
  ['user.forgotten', 'security', 'info'],
  ['encryption.reencrypted', 'security', 'info'],
  ['alert.*', 'performance', 'warn'],
  ['work.stalled', 'performance', 'warn'],
]

/** @returns a function that ends it */
export function logEvents(events: Events, log: Log): () => void {
  const parts: Readonly<Record<Part, Log>> = {
    context: log.child({ log: 'context' }),
    performance: log.child({ log: 'performance' }),
    security: log.child({ log: 'security' }),
  }
  const write = (part: Part, level: EventLevel, event: EventFields) => {
    if (speaks(log.level, level)) parts[part][level](event.type, fieldsOf(event))
  }
  const offs = [
    ...loggedEvents.map(([pattern, part, level]) => events.on(pattern, (event) => write(part, level, event))),
    events.on('*', (event: EventFields) => {
      if (event.security === true) write('security', 'info', event)
      if (event.durationMs !== undefined) write('performance', 'debug', event)
    }),
  ]
  return () => {
    for (const off of offs) off()
  }
}

/** Its type is the line's message. */
function fieldsOf({ type: _, at: __, ...fields }: EventFields): { readonly [field: string]: Json | undefined } {
  return fields
}
