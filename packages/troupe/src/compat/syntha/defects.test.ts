/**
 * What Syntha 0.1 and 0.2 do wrong, one test each: it fails where the defect comes back. In memory, and on PostgreSQL
 * where a server is reachable. What is shown elsewhere too is named in docs/promises.md.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { createTroupe, type Json, type TroupeConfig } from '../../index.ts'
import { createVirtualClock, seededRandom } from '../../testing/index.ts'
import { create_role_based_handler } from './index.ts'

const missing = await missingServer()
const schema = schemaName('syntha_defects')
let users = 0

const storages: [string, TroupeConfig['storage']][] = [['in memory', 'memory:']]
if (missing === undefined) storages.push(['on PostgreSQL', { url: server, schema }])
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

describe.each(storages)('the Syntha module with %s', (_, storage) => {
  async function open() {
    const clock = createVirtualClock()
    const troupe = await createTroupe({ storage, clock, log: 'silent' })
    const user = troupe.user(`user-${++users}`)
    return { troupe, clock, user, [Symbol.asyncDispose]: () => troupe.close() }
  }
  const denied = { code: 'context.denied' }

  test('1: An agent cannot overwrite, widen or delete entries of others, post to a closed topic, or delete a topic.', async () => {
    await using team = await open()
    const { user } = team
    const [owner, other] = [user.agent('Owner'), user.agent('Other')]
    await owner.context.push('secret', 1, { audience: 'owner' })
    await owner.context.push('shared', 1)
    for (const key of ['secret', 'shared']) {
      await expect(other.context.push(key, 2)).rejects.toMatchObject(denied)
      await expect(other.context.push(key, 2, { audience: 'everyone' })).rejects.toMatchObject(denied)
      const batch = await other.tools.call('batch_context_operation', {
        operations: [{ type: 'push', key, value: '2' }],
      })
      expect(batch.success).toBe(false)
    }
    expect(await other.context.delete('secret')).toBe(false)
    await expect(other.context.delete('shared')).rejects.toMatchObject(denied)
    await user.context.setTopicPolicy('board', { post: ['Owner'] })
    await expect(other.context.push('note', 1, { topics: ['board'] })).rejects.toMatchObject({ code: 'topic.closed' })
    expect(await other.tools.call('delete_topic', { topic: 'board', confirm: true })).toMatchObject({ success: false })
    expect([await user.context.get('secret'), await user.context.get('shared')]).toEqual([1, 1])
  })

  test('2: An empty list of subscribers or topics gives access to no agent.', async () => {
    await using team = await open()
    const [a, b] = [team.user.agent('A'), team.user.agent('B')]
    for (const audience of [{ subscribers: [] }, { topics: [] }, { subscribers: [], topics: [] }]) {
      await a.context.push('k', 'secret', audience)
      expect(await b.context.get('k')).toBe(undefined)
      await a.tools.call('push_context', { key: 'tool', value: 'secret', ...audience })
      expect((await b.tools.call('get_context')).context).toEqual({})
    }
  })

  test('3: The user `default` is a user like any other, an empty id is rejected, and cleanup is per user.', async () => {
    await using team = await open()
    const { troupe, clock, user } = team
    const defaultUser = troupe.user('default')
    await defaultUser.context.clear()
    await user.context.push('k', 1, { ttl: '1m' })
    expect(await defaultUser.context.get('k')).toBe(undefined)
    expect(await defaultUser.context.delete('k')).toBe(false)
    await clock.advance('2m')
    expect(await defaultUser.context.cleanup()).toBe(0)
    await defaultUser.context.clear()
    expect((await user.context.stats()).expired + (await user.context.cleanup())).toBeGreaterThan(0)
    expect(() => troupe.user('')).toThrow(expect.objectContaining({ code: 'name.invalid' }))
    expect(() => user.agent('')).toThrow(expect.objectContaining({ code: 'name.invalid' }))
  })

  test('4: A late subscriber sees earlier entries, and unsubscribing or deleting the topic revokes the access.', async () => {
    await using team = await open()
    const [a, b] = [team.user.agent('A'), team.user.agent('B')]
    await a.context.push('one', 1, { topics: ['sales'] })
    await a.context.push('two', 2, { topics: ['sales', 'news'] })
    await b.context.subscribe(['sales'])
    await b.context.subscribe(['other'])
    expect(await b.context.topics()).toEqual(['other', 'sales'])
    expect([await b.context.get('one'), await b.context.get('two')]).toEqual([1, 2])
    await b.context.unsubscribe(['sales'])
    expect([await b.context.get('one'), await b.context.get('two')]).toEqual([undefined, undefined])
    await b.context.subscribe(['sales'])
    await team.user.context.deleteTopic('sales')
    expect([await b.context.get('one'), await b.context.get('two')]).toEqual([undefined, undefined])
    expect(await a.context.get('two')).toBe(2)
  })

  test('5: A topic knows its entries after a restart, without those that were shared otherwise since.', async () => {
    await using team = await open()
    const { user } = team
    const a = user.agent('A')
    await a.context.push('k', 1, { topics: ['sales'] })
    await a.context.push('global', 1, { topics: ['sales'] })
    await a.context.push('global', 2, { audience: 'everyone' })
    const reopened = storage !== 'memory:'
    if (reopened) await team.troupe.close()
    await using secondTroupe = reopened ? await createTroupe({ storage, clock: team.clock, log: 'silent' }) : undefined
    const same = secondTroupe?.user(user.id) ?? user
    expect(await same.context.deleteTopic('sales')).toMatchObject({ entriesDeleted: 1 })
    expect([await same.context.get('k'), await same.context.get('global')]).toEqual([undefined, 2])
  })

  test('6: Increments are not lost, and a change is watched without polling.', async () => {
    await using team = await open()
    const { user } = team
    const watch = user.context.watch({ pattern: 'count' })[Symbol.asyncIterator]()
    const first = watch.next()
    const agents = ['A', 'B', 'C', 'D'].map((name) => user.agent(name))
    await agents[0]?.context.push('count', 0, { writers: 'readers' })
    const add = async (context: (typeof agents)[number]['context']) => {
      for (let i = 0; i < 50; i++) await context.update('count', (count) => Number(count ?? 0) + 1)
    }
    await Promise.all(agents.map(({ context }) => add(context)))
    expect(await user.context.get('count')).toBe(200)
    expect((await first).value).toMatchObject({ type: 'put', key: 'count' })
    await watch.return?.()
  })

  if (storage !== 'memory:')
    test("7: Two troupes on one database see each other's changes at once.", async () => {
      await using team = await open()
      await using other = await createTroupe({ storage, log: 'silent' })
      const there = other.user(team.user.id)
      await team.user.context.push('k', 1)
      expect(await there.context.get('k')).toBe(1)
      await there.context.push('k', 2)
      expect(await team.user.context.get('k')).toBe(2)
    })

  test('8: A push that fails is found nowhere: not by its key, not in a list, not by its subscribers.', async () => {
    const clock = createVirtualClock()
    let failing = false
    const at = () => (failing ? ('io-before' as const) : undefined)
    await using troupe = await createTroupe({
      storage: 'memory:',
      clock,
      log: 'silent',
      faults: { clock, random: seededRandom('defects'), at },
    })
    const user = troupe.user('ada')
    const [a, b] = [user.agent('A'), user.agent('B')]
    await a.context.push('before', 1)
    failing = true
    await expect(a.context.push('k', 1, { subscribers: ['B'] })).rejects.toThrow()
    failing = false
    expect([await a.context.get('k'), await b.context.get('k')]).toEqual([undefined, undefined])
    expect((await user.context.keys()).items).toEqual(['before'])
    await a.context.push('k', 2, { subscribers: ['B'] })
    expect([await b.context.get('k'), (await b.context.keys()).items]).toEqual([2, ['before', 'k']])
  })

  test('9: A key of the user `default` has one row with its newest value.', async () => {
    await using team = await open()
    const defaultUser = team.troupe.user('default')
    await defaultUser.context.clear()
    for (let i = 0; i < 20; i++) await defaultUser.context.push('k', i)
    expect(await defaultUser.context.get('k')).toBe(19)
    expect((await defaultUser.context.stats()).entries).toBe(1)
    await defaultUser.context.clear()
  })

  test('10: A time to live is exact to the second, and a topic is not an agent of its name.', async () => {
    await using team = await open()
    const { user, clock } = team
    const a = user.agent('A')
    await a.context.push('short', 1, { ttl: '10s' })
    await clock.advance('9s')
    expect(await a.context.get('short')).toBe(1)
    await clock.advance('2s')
    expect(await a.context.get('short')).toBe(undefined)
    await a.context.push('k', 1, { subscribers: ['sales'] })
    await a.context.push('l', 1, { topics: ['sales'] })
    await user.context.deleteTopic('sales')
    expect([await user.agent('sales').context.get('k'), await user.context.get('l')]).toEqual([1, undefined])
  })

  test('12: A null is a value, a text keeps its type, and a wrong role grants nothing.', async () => {
    await using team = await open()
    const { user } = team
    const moderator = user.agent('A', { role: 'moderator' })
    await moderator.context.push('nothing', null)
    expect(await moderator.tools.call('get_context', { key: 'nothing' })).toMatchObject({ success: true, value: null })
    for (const value of ['123', 'true', 'null', '"text"']) {
      await moderator.tools.call('push_context', { key: 'k', value })
      expect(await moderator.context.get('k')).toBe(value)
    }
    const map = { 1: [1, [2]] } satisfies Json
    await moderator.context.push('map', map)
    expect(await moderator.context.get('map')).toEqual(map)
    await moderator.context.push('t', 1, { topics: ['t'] })
    for (const confirm of ['false', 'true', 1])
      expect(await moderator.tools.call('delete_topic', { topic: 't', confirm })).toMatchObject({ success: false })
    for (const ttl of [-1, 0])
      expect(await moderator.tools.call('push_context', { key: 'k', value: 'v', ttl })).toMatchObject({
        success: false,
      })
    expect(await moderator.tools.call('push_context', { key: 'k', value: 'v', ttl: null })).toMatchObject({
      success: true,
    })
    expect(user.agent('B', { allow: [] }).tools.accessSummary()).toMatchObject({ available: [], allowed: [] })
    expect(() => user.agent('B', { role: 'nobody' })).toThrow(expect.objectContaining({ code: 'role.unknown' }))
    expect(() => create_role_based_handler(user, 'B', 'nobody')).toThrow(/no role nobody/)
  })

  test('13: An atomic batch that fails changes no audience or expiry, and messages are not context.', async () => {
    await using team = await open()
    const { user, clock } = team
    const [a, b] = [user.agent('A'), user.agent('B')]
    await a.context.push('secret', 1, { subscribers: [], ttl: '1h' })
    const before = await user.context.getEntry('secret')
    const operations = [
      { type: 'push', key: 'secret', value: 'x' },
      { type: 'delete', key: 'of-b' },
    ]
    await b.context.push('of-b', 1)
    expect(await a.tools.call('batch_context_operation', { operations, atomic: true })).toMatchObject({
      success: false,
    })
    expect(await user.context.getEntry('secret')).toEqual(before)
    expect(await b.context.get('secret')).toBe(undefined)
    await clock.advance('61m')
    expect(await user.context.get('secret')).toBe(undefined)
    const unknown = [
      { type: 'get', key: 'k' },
      { type: 'remve', key: 'k' },
    ]
    expect(await a.tools.call('batch_context_operation', { operations: unknown })).toMatchObject({ success: false })
    await a.tools.call('send_message_to_agent', { to_agent: 'B', message: 'hi', requires_confirmation: true })
    expect(await a.tools.call('get_messages_from_agents', { agent_name: 'B' })).toMatchObject({
      code: 'agent.mismatch',
    })
    expect((await b.tools.call('get_context')).context).toEqual({ 'of-b': 1 })
    expect((await b.tools.call('get_messages_from_agents')).messages).toMatchObject([{ confirmed: true }])
    await a.tools.call('send_message_to_agent', { to_agent: 'A', message: 'note', requires_confirmation: true })
    const read = await a.tools.call('get_messages_from_agents', { message_type: 'info' })
    expect(read).toMatchObject({ count: 1, confirmations_sent: 0 })
  })
})
