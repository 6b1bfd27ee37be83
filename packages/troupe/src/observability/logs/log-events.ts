/** What happens, as lines of three logs: `context`, `performance`, `security`. */
import type { EventPattern, Events, Json, TroupeEvent } from '../../core/index.ts'
import { type Log, type LogLevel, speaks } from './log.ts'

type Said = Exclude<LogLevel, 'silent'>
type Part = 'context' | 'performance' | 'security'

const said: readonly (readonly [EventPattern, Part, Said])[] = [
  ['context.*', 'context', 'debug'],
  ['topic.*', 'context', 'debug'],
  ['incident.*', 'security', 'info'],
  ['user.forgotten', 'security', 'info'],
  ['encryption.swept', 'security', 'info'],
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
  const write = (part: Part, level: Said, event: TroupeEvent) => {
    if (speaks(log.level, level)) parts[part][level](event.type, fieldsOf(event))
  }
  const offs = [
    ...said.map(([pattern, part, level]) => events.on(pattern, (event) => write(part, level, event))),
    events.on('*', (event) => {
      if (event.security === true) write('security', 'info', event)
      if (event.durationMs !== undefined) write('performance', 'debug', event)
    }),
  ]
  return () => {
    for (const off of offs) off()
  }
}

/** Its type is the line's message. */
function fieldsOf({ type: _, at: __, ...fields }: TroupeEvent): { readonly [field: string]: Json | undefined } {
  return fields
}
