import { expectTypeOf, it } from 'vitest'
import { createEvents, type EventFields, type MatchedName, type TroupeEvent } from './events.ts'

const events = createEvents(() => {})

it('events.on gives an observer of one name the fields of that event.', () => {
  events.on('tool.called', (event) => {
    expectTypeOf(event.type).toEqualTypeOf<'tool.called'>()
    expectTypeOf(event.durationMs).toBeNumber()
    expectTypeOf(event.tool).toBeString()
    expectTypeOf(event.code).toEqualTypeOf<string | undefined>()
    expectTypeOf(event).not.toHaveProperty('model')
  })
})

it('events.on gives an observer of a prefix the union of the events that begin with it.', () => {
  events.on('run.*', (event) => {
    expectTypeOf(event.runId).toBeString()
    expectTypeOf(event.seq).toBeNumber()
    if (event.type === 'run.waiting') expectTypeOf(event.questions).toEqualTypeOf<readonly string[]>()
    if (event.type === 'run.retried') expectTypeOf(event.attempt).toBeNumber()
  })
  expectTypeOf<MatchedName<'journal.*'>>().toEqualTypeOf<'journal.large'>()
  expectTypeOf<MatchedName<'context.*'>>().toEqualTypeOf<
    'context.cleanup.failed' | 'context.cleared' | 'context.deleted' | 'context.overwritten' | 'context.pushed'
  >()
  expectTypeOf<MatchedName<'context.cleanup.*'>>().toEqualTypeOf<'context.cleanup.failed'>()
})

it('events.on gives an observer of every event a union that the type tells apart.', () => {
  events.on('*', (event) => {
    expectTypeOf(event).toEqualTypeOf<TroupeEvent>()
    if (event.type === 'incident.recorded') expectTypeOf(event.action).toBeString()
  })
  events.on('*', ({ type, durationMs }: EventFields) => void [type, durationMs])
})

it('events.on and events.emit reject unknown names and wrong fields when they are compiled.', () => {
  // @ts-expect-error: no event has this name.
  events.on('run.complete', () => {})
  // @ts-expect-error: no event begins with it.
  events.on('runs.*', () => {})
  // @ts-expect-error: `records` is missing.
  events.emit({ type: 'journal.large', at: 1, journal: 'run:1' })
  // @ts-expect-error: `model` is no field of the event.
  events.emit({ type: 'journal.large', at: 1, journal: 'run:1', records: 5, model: 'p/m' })
  // @ts-expect-error: `records` is a number.
  events.emit({ type: 'journal.large', at: 1, journal: 'run:1', records: 'many' })
  events.emit({ type: 'journal.large', at: 1, userId: 'ada', journal: 'run:1', records: 5 })
})
