/** Scheduled messages where nobody receives at the moment at which they are due. */
import { describe, expect, it } from 'vitest'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import { createVirtualClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { DueAlarms } from './due-alarms.ts'

const Note = defineMessage('note')
const testbeds = messagingTestbeds()
let users = 0

describe.each(await testStorages('alarms'))('due messages at $url', (testStorage) => {
  const opened = async () => {
    const made = await testbeds.testbed({ ...testStorage, user: `user ${users++}` })
    const lanes = async () => (await made.storage.read({ user: `user ${users - 1}` }, [ready]))[0]?.length
    return { ...made, lanes }
  }
  const ready = { sql: "select id from messages where state = 'ready'", binds: [], returns: true }

  it('A message is ordered behind messages that came due before it was sent, with or without a receive in between.', async () => {
    const { agent, clock, lanes } = await opened()
    const send = (payload: string, options = {}) => agent('A').messages.send(Note, payload, { to: 'B', ...options })
    await send('third', { delay: '30s' })
    await send('second', { at: new Date(clock.now() + 20_000) })
    await send('first', { delay: '10s' })
    await send('before them all')
    await clock.advance('30s')
    await until(clock, async () => (await lanes()) === 4, '1ms')
    await send('last')
    expect(await agent('B').drain()).toEqual(['before them all', 'first', 'second', 'third', 'last'])
  })
  it('A mailbox delivers many messages that come due at once, those of a turn too.', async () => {
    const { agent, step, clock, lanes } = await opened()
    await step('A', `step ${users}`, async (messages) => {
      for (let i = 0; i < 250; i++) await messages.send(Note, i, { to: 'B', delay: '1h' })
      return null
    })
    await clock.advance('1h')
    await until(clock, async () => (await lanes()) === 250, '1ms')
    await agent('A').messages.send(Note, 250, { to: 'B' })
    expect(await agent('B').drain()).toEqual(Array.from({ length: 251 }, (_, i) => i))
  })
})

describe('the alarms of due messages', () => {
  it('An alarm of a due message counts its wait from the question, however long the answer takes.', async () => {
    const clock = createVirtualClock({ start: 0 })
    const answer = Promise.withResolvers<number>()
    const due = [1, 3_000]
    const bringDue = async () => {
      const count = due.filter((at) => at <= clock.now()).length
      due.splice(0, count)
      return count
    }
    const nextScheduled = async () => (due.length > 0 ? answer.promise : undefined)
    const alarms = new DueAlarms({ clock, maintenance: { bringDue, nextScheduled } })
    alarms.expect('ada', 'B', { $: 'now', plusMs: 1 })
    await clock.advance('1ms')
    expect(due).toEqual([3_000])
    await clock.advance('1s')
    answer.resolve(2_999)
    await clock.advance('1ms')
    await clock.advance('1998ms')
    expect(due).toEqual([])
    await alarms.close()
  })
})
