import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { joinTaint } from './events/envelope.ts'
import { createEvents, type EventFields, type TroupeEvent } from './events/events.ts'
import { checkOptionNames, checkOptions } from './values/check-options.ts'
import { nearest, nearestName, nearestOf } from './values/nearest.ts'
import { createPage, type Page } from './values/page.ts'
import { jsonSchemaOf, parse } from './values/schema.ts'

/** Of an event of a run, the fields that every event has. */
const bare = (event: EventFields) => event as TroupeEvent

describe('events', () => {
  it('The events reach observers by type, prefix and star, and a failing observer affects no other.', async () => {
    const failures: unknown[] = []
    const events = createEvents((error) => failures.push(error))
    const seen: string[] = []
    const note = (name: string) => (event: TroupeEvent) => void seen.push(`${name}:${event.type}`)
    events.on('run.*', () => {
      throw new Error('sync')
    })
    events.on('*', async () => {
      throw new Error('async')
    })
    const off = events.on('run.started', note('exact'))
    events.on('run.*', note('prefix'))
    events.on('*', note('all'))
    events.emit(bare({ type: 'run.started', at: 1 }))
    off()
    events.emit(bare({ type: 'run.started', at: 2 }))
    events.emit(bare({ type: 'step.started', at: 3 }))
    await Promise.resolve()
    expect(seen).toEqual([
      'exact:run.started',
      'prefix:run.started',
      'all:run.started',
      'prefix:run.started',
      'all:run.started',
      'all:step.started',
    ])
    expect(failures).toHaveLength(5)
  })

  it('The events cannot be changed by an observer, and an observer that never ends its calls is skipped.', async () => {
    const failures: unknown[] = []
    const events = createEvents((error) => failures.push(error))
    let hanging = 0
    events.on('*', (event) => Object.assign(event, { type: 'run.failed' }))
    events.on('*', () => {
      hanging++
      return new Promise(() => {})
    })
    const seen = new Set<string>()
    events.on('*', ({ type }) => void seen.add(type))
    for (let i = 0; i < 10_050; i++) events.emit(bare({ type: 'run.started', at: i }))
    expect([...seen]).toEqual(['run.started'])
    expect([hanging, failures.length]).toEqual([10_000, 10_050])
  })
})

describe('schemas', () => {
  it('A schema gives the value or every problem with its path.', async () => {
    const order = z.object({ id: z.number(), lines: z.array(z.object({ sku: z.string() })) })
    expect(await parse(order, { id: 1, lines: [] }, 'The order')).toEqual({ id: 1, lines: [] })
    await expect(parse(order, { id: 'x', lines: [{ sku: 2 }] }, 'The order')).rejects.toThrow(
      /The order is not valid: id: .*; lines\.0\.sku: /,
    )
  })
  it('A schema has a JSON Schema if its library provides one.', () => {
    expect(jsonSchemaOf(z.object({ q: z.string() }))).toMatchObject({
      type: 'object',
      properties: { q: { type: 'string' } },
    })
  })
})

describe('values and names', () => {
  it('`nearest` finds the nearest known name, or none.', () => {
    expect(nearest('serch_documents', ['read_document', 'search_documents'])).toBe('search_documents')
    expect(nearest('tiemout', ['timeouts', 'timeout'])).toBe('timeout')
    expect(nearest('zzz', ['read_document'])).toBeUndefined()
  })
  it('`nearestOf` suggests the nearest known name, or a short list with the page that has the others.', () => {
    const known = ['ttl', 'topics', 'audience', 'writers', 'lifecycle', 'metadata']
    expect(nearestOf('tll', known)).toBe('ttl')
    expect(nearestOf('zzzzzzzz', known)).toBe('one of ttl, topics, audience, writers, lifecycle, metadata')
    expect(nearestOf('zzzzzzzz', [...known, 'retention'])).toBe(
      'one of ttl, topics, audience, writers, lifecycle, metadata, retention',
    )
    const others = [...known, ...Array.from({ length: 30 }, (_, i) => `option${i}`)]
    expect(nearestOf('zzzzzzzz', others, 'docs/settings.md')).toBe(
      'one of ttl, topics, audience, writers, lifecycle, metadata or of the 30 others (see docs/settings.md)',
    )
  })
  it('`nearestName` tells a misspelt known name from another name.', () => {
    const known = ['get_context', 'delete_topic', 'send_message_to_agent']
    for (const [misspelled, meant] of [
      ['delet_topic', 'delete_topic'],
      ['delete_tpoic', 'delete_topic'],
      ['Delete_Topic', 'delete_topic'],
      ['delete topic', 'delete_topic'],
      ['sendMessageToAgent', 'send_message_to_agent'],
      ['get_contexts', 'get_context'],
    ] as const)
      expect(nearestName(misspelled, known), misspelled).toBe(meant)
    for (const other of ['get_context', 'get_contact', 'send_message', 'delete_entry', 'pay', ''])
      expect(nearestName(other, known), other).toBeUndefined()
  })
  it('checkOptions rejects an unknown option by name.', () => {
    expect(() => checkOptionNames('push', { tll: '1h' }, ['ttl', 'topics'])).toThrow('push has no option tll')
    checkOptions('push', { ttl: '1h' }, ['ttl'])
  })
  it('joinTaint joins labels without repeating one.', () => {
    expect(joinTaint(['untrusted:web'], [], ['sensitive:pay', 'untrusted:web'])).toEqual([
      'sensitive:pay',
      'untrusted:web',
    ])
  })
  it('A page is iterated through all pages.', async () => {
    const pageFrom = async (from: number): Promise<Page<number>> =>
      createPage([from, from + 1], from < 4 ? String(from + 2) : undefined, (cursor) => pageFrom(Number(cursor)))
    const all: number[] = []
    for await (const n of await pageFrom(0)) all.push(n)
    expect(all).toEqual([0, 1, 2, 3, 4, 5])
  })
})
