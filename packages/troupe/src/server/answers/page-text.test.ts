import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { Servers } from '../server-testbed.test.fixture.ts'
import { isLongPage, pageText } from './page-text.ts'

const rows = (length: number) => Array.from({ length }, (_, id) => ({ id, name: `row ${id} of a table` }))

describe('the text of a long page', () => {
  it.each([
    ['without a next page', {}],
    ['with a cursor', { cursor: 'next' }],
  ])('The text of a page in parts is that of the whole page, %s.', async (_, rest) => {
    const page = { items: [rows(3), 'a text with ]}', null, { items: [] }], ...rest }
    expect(await pageText(page, JSON.stringify, systemClock)).toBe(JSON.stringify(page))
  })

  it('Other work runs while a long page is written.', async () => {
    const page = { items: Array.from({ length: 200 }, () => rows(4_000)) }
    let macrotasks = 0
    let isOver = false
    const count = () => {
      macrotasks++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const text = await pageText(page, JSON.stringify, systemClock)
    isOver = true
    expect(text.length).toBeGreaterThan(30_000_000)
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
})
