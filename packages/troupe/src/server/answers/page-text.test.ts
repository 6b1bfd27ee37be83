import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../core/index.ts'
import { countMacrotasks } from '../../core/time/count-macrotasks.test.fixture.ts'
import { echo, Servers } from '../server-testbed.test.fixture.ts'
import { isLongPage, pageText } from './page-text.ts'

const rows = (length: number) => Array.from({ length }, (_, id) => ({ id, name: `row ${id} of a table` }))

describe('the text of a long page', () => {
  it.each([
    ['alone', z.object({ items: z.array(z.json()) })],
    ['with a cursor', z.object({ items: z.array(z.json()), cursor: z.string() })],
    ['with a total', z.object({ items: z.array(z.json()), total: z.object({ usd: z.number() }), cursor: z.string() })],
    ['after a total', z.object({ total: z.object({ usd: z.number() }), items: z.array(z.json()) })],
  ])('The text of a page in parts is that of the whole page: items %s.', async (_, schema) => {
    const serialize = (page: unknown) => JSON.stringify(z.encode(schema, page as never))
    const page = { items: [rows(3), 'a text with ]}', null, { items: [] }], total: { usd: 1 }, cursor: 'next' }
    expect(await pageText(page, serialize, systemClock)).toBe(serialize(page))
  })

  it('Other work runs while a long page is written.', async () => {
    const page = { items: Array.from({ length: 200 }, () => rows(4_000)) }
    const { result, macrotasks } = await countMacrotasks(() => pageText(page, JSON.stringify, systemClock))
    expect(result.length).toBeGreaterThan(30_000_000)
    // A macrotask writes for 10 ms.
    expect(macrotasks).toBeGreaterThan(2)
  })

  it.each([
    ['a short page', { items: [1, 2] }, false],
    ['one long item', { items: [rows(4_000)] }, false],
    ['several', { items: [rows(4_000), 1] }, true],
    ['what is no page', { items: 'x'.repeat(100_000) }, false],
  ])('A long page has several items and a long text: %s.', (_, answer, isLong) =>
    expect(isLongPage(answer)).toBe(isLong),
  )
})

describe('a long list over HTTP', () => {
  const servers = new Servers()
  afterAll(() => servers.close())

  it('A long list over HTTP is complete, and its cursor leads to the next page.', async () => {
    const { troupe, call } = await servers.start({})
    const { context } = troupe.user('default')
    for (const name of ['a', 'b', 'c', 'd']) await context.push(name, rows(4_000))
    const first = await call('GET', '/v1/context/entries?limit=3')
    const next = await call('GET', `/v1/context/entries?limit=3&cursor=${encodeURIComponent(first.body.cursor)}`)
    const listed = await context.list()
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect([...first.body.items, ...next.body.items]).toEqual(JSON.parse(JSON.stringify(listed.items)))
    expect(next.body.cursor).toBe(undefined)
  })

  it('A long page with a total is answered with it.', async () => {
    const { troupe, call } = await servers.start({ agents: [echo] })
    const { orchestra } = troupe.user('default')
    for (let n = 0; n < 400; n++) await orchestra.run({ agent: 'Echo', task: `task ${n} ${'x'.repeat(100)}` })
    const { status, text, body } = await call('GET', '/v1/usage?limit=500')
    expect(status).toBe(200)
    expect(text.length).toBeGreaterThan(65_536)
    expect(body.items).toHaveLength(400)
    expect(body.total.cost).toEqual({ usd: 0, unknown: [] })
  })
})
