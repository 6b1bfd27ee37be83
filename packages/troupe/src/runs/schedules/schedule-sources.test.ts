import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineMessage } from '../../index.ts'
import { pollOptions, ScheduleTestbed } from './schedule-testbed.test.fixture.ts'

const Ping = defineMessage('ping')
let testbed: ScheduleTestbed
beforeEach(() => {
  testbed = new ScheduleTestbed()
})
afterEach(() => testbed.end())

describe('a schedule on context', () => {
  it('A context schedule starts a run for each matching write, across restarts.', async () => {
    const first = await testbed.opened()
    const ada = first.user('ada')
    await ada.context.push('orders.0', 'before')
    await ada.schedules.create({ id: 'c', team: 'echo', onContext: { pattern: 'orders.*' } })
    await ada.schedules.create({ id: 't', team: 'echo', onContext: { pattern: '*', topics: ['vip'] } })
    await ada.context.push('orders.1', 'a')
    await ada.context.push('other', 'b')
    await ada.context.push('orders.1', 'c', { topics: ['vip'] })
    await ada.context.delete('orders.1')
    await expect.poll(testbed.countOf(first, 'c'), pollOptions).toBe(2)
    await expect.poll(testbed.countOf(first, 't'), pollOptions).toBe(1)
    expect(Object.values(await testbed.runsOf(first, 'c'))).toMatchObject([
      { type: 'context', key: 'orders.1', version: 1 },
      { type: 'context', key: 'orders.1', version: 2 },
    ])
    await ada.schedules.pause('c')
    await ada.context.push('orders.2', 'while it was paused')
    await ada.schedules.resume('c')
    await ada.context.push('orders.3', 'x')
    await expect.poll(testbed.countOf(first, 'c'), pollOptions).toBe(3)
    await ada.schedules.delete('t')
    await testbed.closed(first)
    const without = await testbed.opened({ teams: {} })
    const key = (i: number) => (i % 30 === 4 ? `orders.${i}` : `else.${i}`)
    await Promise.all(Array.from({ length: 300 }, (_, i) => without.user('ada').context.push(key(i + 4), i)))
    await testbed.closed(without)
    const reopened = await testbed.opened()
    await expect.poll(testbed.countOf(reopened, 'c'), { ...pollOptions, interval: 100 }).toBe(13)
    const keys = Object.values(await testbed.runsOf(reopened, 'c')).map((task) => (task as { key: string }).key)
    expect(new Set(keys.slice(3))).toEqual(new Set(Array.from({ length: 10 }, (_, i) => `orders.${30 * i + 4}`)))
  })

  it('A context schedule gives its run the taint of the changed entry.', async () => {
    const troupe = await testbed.opened()
    const ada = troupe.user('ada')
    await ada.schedules.create({ id: 'c', team: 'echo', onContext: { pattern: '*' } })
    await ada.context.push('page', 'send it', { taint: ['untrusted:web'] })
    await expect.poll(testbed.countOf(troupe, 'c'), pollOptions).toBe(1)
    const [id] = Object.keys(await testbed.runsOf(troupe, 'c'))
    expect(await (await ada.orchestra.get(`c@${id}`)).result()).toMatchObject({ taint: ['untrusted:web'] })
  })

  it('A context schedule that was down for longer than changes are retained starts one resync run.', async () => {
    const first = await testbed.opened()
    await first.user('ada').schedules.create({ id: 'c', team: 'echo', onContext: { pattern: 'k' } })
    await first.user('ada').context.push('k', 1)
    await expect.poll(testbed.countOf(first, 'c'), pollOptions).toBe(1)
    await testbed.closed(first)
    const db = new DatabaseSync(join(testbed.folder, 'troupe.db'))
    db.exec('update storage_revisions set revision = revision + 9, horizon = revision + 9')
    db.close()
    const reopened = await testbed.opened()
    await expect.poll(testbed.countOf(reopened, 'c'), pollOptions).toBe(2)
    expect(Object.values(await testbed.runsOf(reopened, 'c'))).toMatchObject([
      { key: 'k' },
      { type: 'context', resync: true },
    ])
    await reopened.user('ada').context.push('k', 2)
    await expect.poll(testbed.countOf(reopened, 'c'), pollOptions).toBe(3)
  })
})

it('A run started by a context change has the taint of the change, even if its task is fixed.', async () => {
  const troupe = await testbed.opened()
  const ada = troupe.user('ada')
  await ada.schedules.create({ id: 'orders', team: 'echo', task: 'fixed', onContext: { pattern: 'orders.*' } })
  await ada.context.push('orders.1', 'x', { taint: ['untrusted:web'] })
  await expect.poll(testbed.countOf(troupe, 'orders'), pollOptions).toBe(1)
  const { lastRun } = await ada.schedules.get('orders')
  const run = await ada.orchestra.get(lastRun?.id ?? '')
  expect(await run.result()).toMatchObject({ response: 'fixed', taint: ['untrusted:web'] })
})

describe('a schedule on messages', () => {
  it('A message schedule starts a run for each message of its type, across restarts and pauses.', async () => {
    const first = await testbed.opened()
    const ada = first.user('ada')
    await ada.schedules.create({ id: 'm', team: 'echo', onMessage: { type: Ping } })
    const { messages } = ada.agent('Sender')
    await messages.send(Ping, { n: 1 }, { to: 'm' })
    await expect.poll(testbed.countOf(first, 'm'), pollOptions).toBe(1)
    await ada.schedules.pause('m')
    await messages.send(Ping, { n: 2 }, { to: 'm' })
    await testbed.closed(first)
    const reopened = await testbed.opened()
    await reopened.user('ada').agent('Sender').messages.send(Ping, { n: 3 }, { to: 'm' })
    expect(Object.keys(await testbed.runsOf(reopened, 'm'))).toHaveLength(1)
    await reopened.user('ada').schedules.resume('m')
    await expect.poll(testbed.countOf(reopened, 'm'), pollOptions).toBe(3)
    const tasks = Object.values(await testbed.runsOf(reopened, 'm')) as { readonly payload: { readonly n: number } }[]
    expect(tasks.sort((a, b) => a.payload.n - b.payload.n)).toMatchObject(
      [1, 2, 3].map((n) => ({ type: 'message', from: 'Sender', name: 'ping', payload: { n } })),
    )
  })

  it('A message schedule reads the mailbox that it names, and leaves messages of other types there.', async () => {
    const troupe = await testbed.opened()
    const ada = troupe.user('ada')
    await ada.schedules.create({ id: 'm', team: 'echo', onMessage: { type: 'ping', to: 'Desk' }, task: 'fixed' })
    await ada.agent('Sender').messages.send(defineMessage('other'), 1, { to: 'Desk' })
    await ada.agent('Second').messages.send(Ping, 2, { to: 'Desk' })
    await expect.poll(testbed.countOf(troupe, 'm'), pollOptions).toBe(1)
    expect(Object.values(await testbed.runsOf(troupe, 'm'))).toEqual(['fixed'])
    expect((await ada.agent('Desk').mailbox.counts()).waiting).toBe(1)
  })

  it('A message schedule taints a run if its task contains content of the message.', async () => {
    const prepare = { made: (trigger: unknown) => ({ of: trigger }) }
    const troupe = await testbed.opened({ schedules: { prepare } })
    const ada = troupe.user('ada')
    await ada.schedules.create({ id: 'whole', team: 'echo', onMessage: { type: Ping } })
    await ada.schedules.create({ id: 'made', team: 'echo', onMessage: { type: Ping }, prepare: 'made' })
    await ada.schedules.create({ id: 'fixed', team: 'echo', onMessage: { type: Ping }, task: 'fixed' })
    const taints: unknown[] = []
    for (const id of ['whole', 'made', 'fixed']) {
      await ada.agent('Sender').messages.send(Ping, 1, { to: id, taint: ['untrusted:web'] })
      await expect.poll(testbed.countOf(troupe, id), pollOptions).toBe(1)
      const { lastRun } = await ada.schedules.get(id)
      taints.push((await (await ada.orchestra.get(lastRun?.id ?? '')).result()).taint)
    }
    expect(taints).toEqual([['untrusted:web'], ['untrusted:web'], undefined])
    expect(Object.values(await testbed.runsOf(troupe, 'whole'))).toEqual([
      { type: 'message', id: expect.any(String), from: 'Sender', name: 'ping', payload: 1 },
    ])
  })
})
