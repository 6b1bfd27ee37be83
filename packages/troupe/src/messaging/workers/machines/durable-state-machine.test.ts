import { describe, expect, it } from 'vitest'
import type { ContextClient } from '../../../context/index.ts'
import { Access } from '../../../security/index.ts'
import { defineMessage } from '../../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../../messaging-testbed.test.fixture.ts'
import { messagingTestbeds } from '../../open-testbeds.test.fixture.ts'
import { Worker } from '../worker.ts'
import { StateMachine } from './state-machine.ts'

const Pay = defineMessage<string>('pay')
const transitions = { open: ['paid', 'cancelled'], paid: ['shipped'], shipped: [], cancelled: [] } as const

const { testbed, newFile } = messagingTestbeds()
const contextOf = ({ mesh }: MessagingTestbed, name: string) => mesh.agent('ada', name, new Access())
const opened = (made: MessagingTestbed, name = 'Shop') =>
  StateMachine.open({
    context: contextOf(made, name),
    key: 'orders.17.state',
    initial: 'open',
    transitions,
    entry: { writers: ['Clerk'] },
  })

describe('a durable state machine', () => {
  it('A durable state machine has its state and its history after a restart.', async () => {
    const url = newFile()
    const first = await openMessagingTestbed({ url })
    const before = await opened(first)
    expect(before.state).toBe('open')
    expect(await before.transition('paid')).toBe('paid')
    await first.close()
    const after = await opened(await testbed({ url, clock: first.clock }))
    expect(after.state).toBe('paid')
    expect(after.history).toEqual([{ from: 'open', to: 'paid' }])
    expect(after.can('shipped')).toBe(true)
  })
  it('A durable state machine validates each of two concurrent transitions against the current state.', async () => {
    const made = await testbed()
    const shop = await opened(made)
    const clerk = await opened(made, 'Clerk')
    const outcomes = await Promise.allSettled([shop.transition('paid'), clerk.transition('cancelled')])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'InvalidTransitionError', code: 'transition.invalid' },
    })
    expect(await shop.refresh()).toBe(await clerk.refresh())
    expect(shop.history).toHaveLength(1)
  })
  it('A durable state machine rejects a transition that its table lacks, and then knows the current state.', async () => {
    const made = await testbed()
    const shop = await opened(made)
    const clerk = await opened(made, 'Clerk')
    await shop.transition('cancelled')
    await expect(clerk.transition('shipped')).rejects.toThrow(/cancelled/)
    expect(clerk.state).toBe('cancelled')
  })
  it('A durable state machine emits its own changes, and its `changes` iterator returns all changes.', async () => {
    const made = await testbed()
    const shop = await opened(made)
    const clerk = await opened(made, 'Clerk')
    const emitted: unknown[] = []
    shop.on('change', (change) => emitted.push(change))
    const ended = new AbortController()
    const changes = clerk.changes({ signal: ended.signal })
    const next = changes.next()
    await made.clock.advance('1s')
    await shop.transition('paid')
    expect(emitted).toEqual([{ from: 'open', to: 'paid' }])
    expect(await next).toEqual({ done: false, value: 'paid' })
    await changes.return(undefined)
  })
  it('A durable state machine changes in the commit that acknowledges the message, or not at all.', async () => {
    const made = await testbed({ config: { maxAttempts: 1 } })
    const worker = new Worker('Shop')
    worker.on(Pay, async ({ payload }, { context }) => {
      const machine = await StateMachine.open({ context, key: payload, initial: 'open', transitions })
      await machine.transition('paid')
      if (payload === 'fails') throw new Error('no')
    })
    await made.start(worker)
    for (const key of ['fails', 'works']) await made.agent('A').messages.send(Pay, key, { to: 'Shop' })
    for (let i = 0; (await contextOf(made, 'A').get('works')) === undefined && i < 1_000; i++)
      await made.clock.advance('10ms')
    expect(await contextOf(made, 'A').get('works')).toMatchObject({ state: 'paid' })
    expect(await contextOf(made, 'A').get('fails')).toBeUndefined()
  })
  it('A durable state machine rejects an entry with another content, and an agent without the right to write.', async () => {
    const made = await testbed()
    await contextOf(made, 'Shop').push('orders.17.state', { state: 'asleep', history: [] })
    await expect(opened(made)).rejects.toThrow(/no state that its transitions name/)
    await contextOf(made, 'Shop').delete('orders.17.state')
    await opened(made)
    const stranger = await opened(made, 'Stranger')
    await expect(stranger.transition('paid')).rejects.toMatchObject({ name: 'AccessDeniedError' })
  })
  it('A durable state machine reports that its entry may not be readable by the agent.', async () => {
    const made = await testbed()
    await opened(made)
    const stranger = await opened(made, 'Stranger')
    const shop = contextOf(made, 'Shop')
    await shop.update('orders.17.state', (value) => value ?? null, { audience: 'owner' })
    await expect(stranger.refresh()).rejects.toThrow(/was deleted, or this agent may not read it/)
  })
  it('A durable state machine rejects options of its entry that would have no effect.', async () => {
    const made = await testbed()
    const options = { context: contextOf(made, 'Shop'), key: 'k', initial: 'open', transitions } as const
    await StateMachine.open(options)
    for (const entry of [{ ifVersion: 1 }, { subscriber: ['B'] }, { signal: new AbortController().signal }])
      await expect(StateMachine.open({ ...options, entry: entry as object })).rejects.toThrow(
        expect.objectContaining({ code: 'option.unknown' }),
      )
  })
  it('A durable state machine yields the present state if changes are not stored any more.', async () => {
    const made = await testbed()
    await opened(made).then((machine) => machine.transition('paid'))
    const shop = contextOf(made, 'Shop')
    const context: Pick<ContextClient, 'get' | 'push' | 'update' | 'watch'> = {
      get: (key, options) => shop.get(key, options),
      push: (key, value, options) => shop.push(key, value, options),
      update: (key, fn, options) => shop.update(key, fn, options),
      async *watch() {
        yield { type: 'resync', revision: 2, position: '2' }
      },
    }
    const machine = await StateMachine.open({ context, key: 'orders.17.state', initial: 'open', transitions })
    const states: string[] = []
    for await (const state of machine.changes()) states.push(state)
    expect(states).toEqual(['paid'])
  })
})
