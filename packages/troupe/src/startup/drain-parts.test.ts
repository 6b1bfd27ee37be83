import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, defineMessage, handleSignals, Worker } from '../index.ts'
import type { DrainResult } from '../operations.ts'
import { createVirtualClock } from '../testing/index.ts'

const open = () => createTroupe({ storage: 'memory:', log: 'silent' })
const flows = ['Start -> A', 'A -> End'] as const

describe('a drain', () => {
  it('A drain reports its state at once, accepts nothing new, and lets work in progress finish.', async () => {
    const troupe = await open()
    const ada = troupe.user('ada')
    const gate = Promise.withResolvers<void>()
    const began = Promise.withResolvers<void>()
    const agent = defineAgent({
      name: 'A',
      async run(_, ctx) {
        began.resolve()
        await gate.promise
        await ctx.context.push('k', 'kept')
        return 'done'
      },
    })
    const emitted: string[] = []
    troupe.on('*', ({ type }) => emitted.push(type))
    const run = await ada.orchestra.start({ task: 1, topology: { agents: [agent], flows: [...flows] } })
    const result = run.result()
    await began.promise
    expect(troupe.state).toBe('open')
    const drainResult = troupe.drain({ timeout: '60s' })
    expect(troupe.state).toBe('draining')
    expect(await troupe.ready()).toBe(false)
    expect(emitted).toContain('troupe.draining')
    const start = () => ada.orchestra.start({ task: 2, topology: { agents: [agent], flows: [...flows] } })
    await expect(start()).rejects.toMatchObject({ code: 'troupe.draining', status: 503, retryable: true })
    const rejected = { success: false, error: { code: 'troupe.draining' } }
    expect(await ada.session(agent).run('x')).toMatchObject(rejected)
    await expect(ada.start(new Worker('W'))).rejects.toMatchObject({ code: 'troupe.draining' })
    expect(await ada.context.get('k')).toBeUndefined()
    gate.resolve()
    expect(await result).toMatchObject({ status: 'completed', response: 'done' })
    expect(await drainResult).toMatchObject({ finished: 1, released: 0, isComplete: true })
    expect(troupe.state).toBe('closed')
    await expect(troupe.drain()).resolves.toEqual(await drainResult)
    await troupe.close()
  })

  it('A drain releases a step that does not finish, once its effect is recorded, and starts no other effect.', async () => {
    const troupe = await open()
    const ada = troupe.user('ada')
    const done: string[] = []
    const begun = Promise.withResolvers<void>()
    const agent = defineAgent({
      name: 'A',
      async run(_, ctx) {
        await ctx.effect('slow', { class: 'at-most-once' }, async () => {
          begun.resolve()
          await pause(1_200)
          done.push('slow')
        })
        await ctx.effect('next', { class: 'at-most-once' }, () => void done.push('next'))
        await new Promise(() => {})
      },
    })
    await ada.orchestra.start({ task: 1, topology: { agents: [agent], flows: [...flows] } })
    await begun.promise
    const closed: string[] = []
    const drainResult: DrainResult = await troupe.drain({ timeout: '2s', closing: [() => void closed.push('server')] })
    expect(done).toEqual(['slow'])
    expect(closed).toEqual(['server'])
    expect(drainResult).toMatchObject({ finished: 0, released: 1 })
  })

  it('A drain finishes handlers, and accepts no further message.', async () => {
    const Job = defineMessage<number>('job')
    const troupe = await open()
    const ada = troupe.user('ada')
    const handled: number[] = []
    const began = Promise.withResolvers<void>()
    class Slow extends Worker {
      constructor() {
        super('Slow')
        this.on(Job, async ({ payload }) => {
          began.resolve()
          await pause(100)
          handled.push(payload)
        })
      }
    }
    await ada.start(new Slow())
    for (const n of [1, 2, 3]) await ada.agent('Desk').messages.send(Job, n, { to: 'Slow' })
    await began.promise
    expect(await troupe.drain({ timeout: '60s' })).toMatchObject({ released: 0, isComplete: true })
    expect(handled).toEqual([1])
  })

  it('A drain that takes too long ends at its timeout.', async () => {
    const troupe = await open()
    const stuck = () => new Promise(() => {})
    expect(await troupe.drain({ timeout: '1s', closing: [stuck] })).toMatchObject({ isComplete: true })
    expect(troupe.state).toBe('closed')
    const other = await open()
    const failing = () => Promise.reject(new Error('the server did not end'))
    expect(await other.drain({ closing: [failing] })).toMatchObject({ isComplete: true })
  })

  it('A drain of a closed troupe changes no state, and calls what it is given to close.', async () => {
    const troupe = await open()
    const seen: string[] = []
    troupe.on('troupe.draining', ({ type }) => seen.push(type))
    await troupe.close()
    expect(await troupe.drain({ closing: [() => seen.push('server')] })).toMatchObject({ isComplete: true })
    expect(troupe.state).toBe('closed')
    expect(seen).toEqual(['server'])
  })

  it('A drain rejects unknown and invalid options.', async () => {
    await using troupe = await open()
    for (const options of [{ timeout: 25 }, { timeout: '1ms' }, { timout: '25s' }, { closing: 5 }, { closing: [5] }])
      await expect(troupe.drain(options as never)).rejects.toMatchObject({ name: 'ValidationError' })
    expect(() => handleSignals(troupe, { closing: [5] as never })).toThrow(/closing/)
    expect(troupe.state).toBe('open')
    expect(await troupe.drain()).toMatchObject({ isComplete: true })
  })
})

describe('a close', () => {
  it('A close waits 30 s for handlers in progress, then aborts them and releases their messages.', async () => {
    const Job = defineMessage<string>('job')
    const clock = createVirtualClock()
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent', clock })
    const ada = troupe.user('ada')
    const began: string[] = []
    const slow = Promise.withResolvers<void>()
    const worker = (name: string, ends: Promise<void>) =>
      new Worker(name).on(Job, async ({ payload }) => {
        began.push(payload)
        await ends
      })
    await ada.start(worker('Slow', slow.promise))
    await ada.supervise([() => worker('Stuck', new Promise(() => {}))], { hang: false })
    for (const to of ['Slow', 'Stuck']) await ada.agent('Desk').messages.send(Job, to, { to })
    while (began.length < 2) await clock.advance('10ms')
    const emitted: string[] = []
    troupe.on('message.*', ({ type, to }) => emitted.push(`${type} ${to}`))
    let isClosed = false
    const closing = troupe.close().then(() => {
      isClosed = true
    })
    await clock.advance('1s')
    slow.resolve()
    await clock.advance('28s')
    expect(isClosed).toBe(false)
    expect(emitted).toEqual(['message.acknowledged Slow'])
    for (let i = 0; i < 20 && !isClosed; i++) await clock.advance('1s')
    await closing
    expect(isClosed).toBe(true)
  })

  it.each(['close', 'drain'] as const)('A %s waits for a worker that is starting, and stops it.', async (how) => {
    const troupe = await open()
    const reported: string[] = []
    const up = Promise.withResolvers<void>()
    const worker = Object.assign(new Worker('Late'), {
      onStart: () => up.promise,
      onStop: () => reported.push('stopped'),
    })
    const starting = troupe.user('ada').start(worker)
    starting.catch(() => {})
    const ending = troupe[how]().then(() => reported.push('ended'))
    await pause(20)
    expect(reported).toEqual([])
    up.resolve()
    await expect(starting).rejects.toMatchObject({ name: 'CancelledError' })
    await ending
    expect(reported).toEqual(['stopped', 'ended'])
  })

  it('A close starts no worker while it waits for others.', async () => {
    const Job = defineMessage('job')
    const troupe = await open()
    const ada = troupe.user('ada')
    const [began, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const busy = new Worker('Busy').on(Job, () => {
      began.resolve()
      return done.promise
    })
    await ada.start(busy)
    await ada.agent('Desk').messages.send(Job, 1, { to: 'Busy' })
    await began.promise
    const closing = troupe.close()
    await expect(ada.start(new Worker('Late'))).rejects.toMatchObject({ code: 'troupe.closed' })
    await expect(ada.supervise([() => new Worker('Late')])).rejects.toMatchObject({ code: 'troupe.closed' })
    done.resolve()
    await closing
  })
})

describe('the start of a worker', () => {
  it('The start of a worker waits no longer than its signal, and a late worker is stopped.', async () => {
    await using troupe = await open()
    const [up, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const worker = Object.assign(new Worker('Late'), { onStart: () => up.promise, onStop: () => stopped.resolve() })
    const starting = troupe.user('ada').start(worker, { signal: AbortSignal.timeout(20) })
    await expect(starting).rejects.toMatchObject({ code: 'cancelled' })
    up.resolve()
    await stopped.promise
  })
})
