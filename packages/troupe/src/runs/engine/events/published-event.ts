/** An event of a run as observers of the troupe receive it: its base in the run and in the trace, and no content. */
import type { EventPayloads, TroupeEvent, UserId } from '../../../core/index.ts'
import type { EventOf, EventType } from '../../machine/machine-events.ts'
import type { AnnouncedEvent } from './run-event.ts'
import type { RunTrace } from './run-trace.ts'

/** The fields of machine events that are published without change. */
const publishedFields = [
  'branch',
  'step',
  'agent',
  'node',
  'joinId',
  'question',
  'questions',
  'attempt',
  'kind',
  'as',
  'reason',
  'child',
  'gap',
] as const

type Published<Type extends EventType> = Pick<
  EventOf<Type>,
  Extract<keyof EventOf<Type>, (typeof publishedFields)[number]>
>
/** The fields that `summaryOf` adds. */
type Summary<Type extends EventType> = Type extends 'run.failed' | 'step.failed'
  ? Pick<EventPayloads['run.failed'], 'code' | 'errorId'>
  : Type extends 'guard.tripped'
    ? Omit<EventPayloads['guard.tripped'], keyof RunFields>
    : Type extends 'question.asked'
      ? Pick<EventPayloads['question.asked'], 'kind'>
      : unknown
type RunFields = EventPayloads['run.started']
/** The step has published a trip of a guardrail itself when it happened. */
export type Announced = Exclude<EventType, 'guardrail.tripped'>
/** Compiles only if the events of the core have all fields that `EventPayloads` declares for them. */
type Declared<Fields extends { readonly [Type in Announced]: EventPayloads[Type] }> = {
  readonly [Type in Announced]: TroupeEvent<Type> & Fields[Type]
}[Announced]
type PublishedEvent = Declared<{ [Type in Announced]: RunFields & Published<Type> & Summary<Type> }>

export function publishedEvent(userId: UserId, runId: string, trace: RunTrace, event: AnnouncedEvent): PublishedEvent {
  const fields: Record<string, unknown> = {}
  for (const name of publishedFields) {
    const value = (event as { readonly [name: string]: unknown })[name]
    if (value !== undefined) fields[name] = value
  }
  const { type, at, seq, path } = event
  const base = { type, at, userId, runId, seq, trace: trace.id, ...trace.sampled, path, ...trace.spanOf(event) }
  return { ...base, ...fields, ...summaryOf(event), ...beginningIn(event) } as PublishedEvent
}

function beginningIn({ beginning }: AnnouncedEvent): { readonly startedAt?: number; readonly attempt?: number } {
  if (!beginning) return {}
  const { startedAt, attempt } = beginning
  return { startedAt, ...(attempt === undefined ? {} : { attempt }) }
}

/** Returns the published part of a field that also has content. */
function summaryOf(event: AnnouncedEvent): object {
  if (event.type === 'run.failed' || event.type === 'step.failed') {
    const { code, errorId } = event.error
    return { code, ...(errorId === undefined ? {} : { errorId }) }
  }
  if (event.type === 'question.asked') return { kind: event.ask.kind }
  if (event.type !== 'guard.tripped') return {}
  const { name: guard, limit, used } = event.guard
  return { guard, limit, used }
}
