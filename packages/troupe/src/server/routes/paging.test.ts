import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDataset } from '../../runs/index.ts'
import type { Route } from '../route.ts'
import { routes } from '../routes.ts'
import { caller, echo, type Served, Servers, until } from '../server-testbed.test.fixture.ts'

const three = ['a', 'b', 'c'] as const
const paged = routes.filter(({ query }) => query?.safeParse({ cursor: 'x' }).success)
const pathOf = ({ path }: Route) => path.replace(':key', 'a').replace(':mailbox', 'Full')

describe('a list', () => {
  const servers = new Servers()
  let served: Served

  /** Three of everything. */
  beforeAll(async () => {
    served = await servers.start({
      messaging: { maxAttempts: 1 },
      teams: { solo: { agents: [echo], flows: ['Echo -> End'] } },
    })
    const { troupe, call, url } = served
    const ada = troupe.user('default')
    for (const name of three) {
      for (const version of three) await ada.context.push('a', { name, version }, { topics: [`topic ${name}`] })
      await ada.context.push(`entry ${name}`, name)
      await ada.agent(`Agent ${name}`).context.subscribe([`topic ${name}`])
      await call('POST', '/v1/runs', { id: name, task: 1, agent: 'Asking', threadId: name })
      const dataset = parseDataset('d', '{"input":1}')
      await ada.experiments.evaluate({ id: name, dataset, team: 'solo', scorers: { cites: 'citations' } })
      await call('POST', '/v1/schedules', { id: name, team: 'solo', task: 1, every: '1d' })
      for (const to of ['Full', 'Dead', `Box ${name}`])
        await call('POST', '/v1/messages', { type: 'n', payload: 1, to })
      const { body } = await call('POST', '/v1/mailboxes/Dead/receive', {})
      await call('POST', '/v1/mailboxes/Dead/nack', { delivery: body.deliveries[0].delivery, reason: name })
      const { key } = await troupe.apiKeys.create({ name, users: ['default'], role: 'readonly' })
      await caller(url, { 'x-api-key': key })('DELETE', '/v1/context/entries')
    }
    await until('all ask', async () => (await call('GET', '/v1/approvals')).body.items.length === 3)
  })
  afterAll(() => servers.close())

  it.each(paged)('The list $path is paged completely, each item once and in order.', async (route) => {
    const { call } = served
    const at = pathOf(route).replace('Full/dead-letters', 'Dead/dead-letters')
    const all = await call('GET', `${at}?limit=500`)
    expect(all.body.items.length, all.text).toBeGreaterThan(2)
    const walked: unknown[] = []
    for (let cursor = ''; ; ) {
      const { status, body, text } = await call(
        'GET',
        `${at}?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      )
      expect(status, text).toBe(200)
      // While there is a cursor there is more.
      expect(body.items.length, text).toBe(1)
      walked.push(...body.items)
      if (body.cursor === undefined) break
      cursor = body.cursor
    }
    expect(walked).toEqual(all.body.items)
  })

  it('The list of approvals contains waiting runs, however many newer runs there are.', async () => {
    const { call } = served
    const newer = ['newer 1', 'newer 2', 'newer 3']
    for (const id of newer) await call('POST', '/v1/runs', { id, task: 1, agent: 'Echo' })
    for (const id of newer) await call('GET', `/v1/runs/${encodeURIComponent(id)}/result?wait=30s`)
    const { body } = await call('GET', '/v1/approvals?limit=3')
    expect(body.items.map(({ run }: { readonly run: string }) => run)).toEqual(['c', 'b', 'a'])
  })

  it.each(paged)('The list $path rejects an invalid cursor.', async (route) => {
    for (const cursor of ['x', '{}', 'bnVsbA', '%00', ''])
      expect(await served.call('GET', `${pathOf(route)}?cursor=${cursor}`), cursor).toMatchObject({
        status: 400,
        body: { code: 'cursor.invalid', hint: expect.stringContaining('without a cursor') },
      })
  })

  const firstOf = async (at: string): Promise<string> => (await served.call('GET', `${at}?limit=1`)).body.cursor

  it.each(paged)('The list $path rejects a cursor of every other list.', async (route) => {
    const at = pathOf(route).replace('Full/dead-letters', 'Dead/dead-letters')
    const others = paged.map(pathOf).filter((other) => other !== pathOf(route) && !other.includes('dead-letters'))
    for (const other of others) {
      const cursor = await firstOf(other)
      expect(cursor, other).toMatch(/^[\w-]+$/)
      expect(await served.call('GET', `${at}?cursor=${cursor}`), other).toMatchObject({
        status: 400,
        body: { code: 'cursor.invalid' },
      })
    }
  })

  it('A cursor is rejected for another user, another agent, other filters, and if it was changed.', async () => {
    const { call } = served
    const cursor = await firstOf('/v1/context/keys')
    const at = `/v1/context/keys?cursor=${cursor}`
    expect((await call('GET', `${at}&limit=2`)).status).toBe(200)
    const asked = [
      [at, { 'troupe-user': 'bob' }],
      [at, { 'troupe-agent': 'Sam' }],
      [`${at}&prefix=entry`, {}],
      [`${at.slice(0, -1)}${at.endsWith('A') ? 'B' : 'A'}`, {}],
      [`/v1/context/keys?cursor=${cursor.slice(0, 16)}${Buffer.from('{"k":"b"}').toString('base64url')}`, {}],
    ] as const
    for (const [path, headers] of asked)
      expect(await call('GET', path, undefined, headers), path).toMatchObject({
        status: 400,
        body: { code: 'cursor.invalid' },
      })
  })

  it('A list continues after the longest possible key.', async () => {
    const { call } = served
    const key = '\u0001'.repeat(1_024)
    await call('PUT', `/v1/context/entries/${encodeURIComponent(key)}`, { value: 1 })
    const { body } = await call('GET', '/v1/context/keys?limit=1')
    expect(body.items).toEqual([key])
    const { status, body: next } = await call('GET', `/v1/context/keys?limit=1&cursor=${body.cursor}`)
    expect(status).toBe(200)
    expect(next.items).toEqual(['a'])
    await call('DELETE', `/v1/context/entries/${encodeURIComponent(key)}`)
  })
})
