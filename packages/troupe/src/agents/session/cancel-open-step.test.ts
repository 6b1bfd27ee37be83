import { expect, it } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { createJournals } from '../../journal/index.ts'
import { defineAgent } from '../definitions/define-agent.ts'
import {
  call,
  file,
  mail,
  mockAgent,
  openSessionTestbed,
  promptOf,
  tool,
  until,
} from './session-testbed.test.fixture.ts'

/** A thread whose process ended while its agent paid, and its next process. */
async function interruptedThread() {
  const url = file()
  const first = await openSessionTestbed(url)
  let isPaying = false
  const pay = () => {
    isPaying = true
    return new Promise(() => {})
  }
  const before = mockAgent([call('1')], { tools: [tool(pay, { effect: 'at-most-once' })] })
  const cut = first
    .session(before.agent)
    .chat('first')
    .catch(() => {})
  await until(() => isPaying)
  await first.close()
  await cut
  return openSessionTestbed(url)
}

it('A session cancels an interrupted step whose code has changed, lists its effect, and continues.', async () => {
  const { session } = await interruptedThread()
  const { agent, model } = mockAgent(['fine'], { instructions: 'You are another A.' })
  const one = session(agent)
  await expect(one.chat('second')).rejects.toMatchObject({ code: 'code.changed' })
  await expect(one.forget()).rejects.toMatchObject({ code: 'thread.busy' })
  expect(await one.cancel()).toBe(true)
  expect(await one.cancel()).toBe(false)
  const [effect] = await one.uncertain()
  if (!effect) throw new Error('no effect is uncertain')
  expect(effect).toMatchObject({ name: 'act', class: 'at-most-once', input: { q: '1' } })
  expect(await one.chat('second')).toBe('fine')
  expect(promptOf(model, 0)).toMatch(/first.*second/)
  expect(await one.resolve(effect, { happened: true, output: 'paid' })).toBeUndefined()
  expect(await one.uncertain()).toEqual([])
  await one.forget()
})

it('A session cancels a step that waits for an answer.', async () => {
  const { session } = await openSessionTestbed()
  const { agent } = mockAgent([{ toolCalls: [{ name: 'mail', args: { q: 'x' } }] }, 'fine'], { tools: [mail] })
  const one = session(agent)
  const { questions = [] } = await one.generate('send it')
  expect(await one.cancel()).toBe(true)
  expect(await one.questions()).toEqual([])
  await expect(one.answer(questions[0]?.id ?? '', { approve: true })).rejects.toMatchObject({
    code: 'question.unknown',
  })
  expect(await one.chat('leave it')).toBe('fine')
})

it('A session cancels the call that another object of its thread executes, which records its effect first.', async () => {
  const { session } = await openSessionTestbed()
  const [begun, paid] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
  const pay = () => {
    begun.resolve()
    return paid.promise
  }
  const { agent, model } = mockAgent([call('1'), 'fine'], { tools: [tool(pay, { effect: 'at-most-once' })] })
  const [one, two] = [session(agent), session(agent)]
  const executing = one.chat('go').catch(({ code }: { code: string }) => code)
  await begun.promise
  const cancelled = two.cancel()
  await new Promise((resolve) => setTimeout(resolve, 50))
  paid.resolve('receipt 7')
  expect([await cancelled, await executing]).toEqual([true, 'cancelled'])
  expect(await two.uncertain()).toEqual([])
  expect(await two.chat('and now?')).toBe('fine')
  expect(promptOf(model, 1)).toMatch(/go.*and now/)
})

it('A session cancels the call that it executes itself, and then executes the next one.', async () => {
  const { session } = await openSessionTestbed()
  const begun = Promise.withResolvers<void>()
  const search = (_: unknown, { signal }: { signal: AbortSignal }) => {
    begun.resolve()
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  const { agent, model } = mockAgent([call('1'), 'fine'], { tools: [tool(search, { effect: 'read' })] })
  const one = session(agent)
  const executing = one.chat('go').catch(({ code }: { code: string }) => code)
  const next = one.chat('and now?')
  await begun.promise
  expect(await Promise.all([one.cancel(), executing])).toEqual([true, 'cancelled'])
  expect(await next).toBe('fine')
  expect(promptOf(model, 1)).toMatch(/go.*and now/)
  expect(await one.cancel()).toBe(false)
})

it('A session that is cancelled by two callers at once is free for both.', async () => {
  const { session } = await openSessionTestbed()
  const { agent } = mockAgent([{ toolCalls: [{ name: 'mail', args: { q: 'x' } }] }, 'fine'], { tools: [mail] })
  const [one, two] = [session(agent), session(agent)]
  await one.generate('send it')
  expect(await Promise.all([one.cancel(), two.cancel()])).toEqual([true, true])
  expect(await one.chat('leave it')).toBe('fine')
})

it('A thread keeps the message of a call that is aborted while a function agent works.', async () => {
  const { session, services } = await openSessionTestbed()
  const controller = new AbortController()
  const run = (_: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise<string>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      controller.abort()
    })
  const aborted = session(defineAgent({ name: 'A', run })).chat('go', { signal: controller.signal })
  await expect(aborted).rejects.toMatchObject({ code: 'cancelled' })
  const stored = await services.records.threadMessages.load('u', 'thread:t/A')
  expect(stored).toMatchObject([{ message: { role: 'user', content: [{ text: 'go' }] } }])
})

it('A session that is aborted in a tool lists the effect whose outcome is unknown.', async () => {
  const { session } = await openSessionTestbed()
  const controller = new AbortController()
  const pay = tool(
    (_, { signal }) => {
      controller.abort()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
    { effect: 'at-most-once' },
  )
  const one = session(mockAgent([call('1'), 'fine'], { tools: [pay] }).agent)
  await expect(one.chat('go', { signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
  expect(await one.uncertain()).toMatchObject([{ name: 'act', input: { q: '1' } }])
  expect(await one.chat('and now?')).toBe('fine')
})

it('A session names the tool of an interrupted call of the application, and cancels the call.', async () => {
  const url = file()
  const first = await openSessionTestbed(url)
  let isPaying = false
  const pay = tool(
    () => {
      isPaying = true
      return new Promise(() => {})
    },
    { effect: 'at-most-once' },
  )
  const cut = first
    .session(mockAgent([], { tools: [pay] }).agent)
    .executeTool('act', { q: '1' })
    .catch(() => {})
  await until(() => isPaying)
  await first.close()
  await cut
  const { session } = await openSessionTestbed(url)
  const one = session(mockAgent(['fine'], { tools: [pay] }).agent)
  await expect(one.chat('second')).rejects.toMatchObject({ code: 'effect.uncertain' })
  expect(await one.uncertain()).toMatchObject([{ name: 'act', input: { q: '1' } }])
  expect(await one.cancel()).toBe(true)
  expect(await one.chat('second')).toBe('fine')
})

it('A session rejects a call as busy while another process executes the open step of its thread.', async () => {
  const { session, journals, storage } = await interruptedThread()
  const otherJournals = createJournals({ storage, clock: systemClock, owner: 'other' })
  const step = 'session:t/A#1'
  const lookup = tool(
    async () => {
      await otherJournals.takeOver('u', step, systemClock.now())
      return 'paid'
    },
    { effect: 'at-most-once', reconcile: async () => 'not' as const },
  )
  const one = session(mockAgent(['first answered'], { tools: [lookup] }).agent)
  await expect(one.chat('second')).rejects.toMatchObject({ code: 'thread.busy', cause: { code: 'journal.lost' } })
  expect(await journals.load('u', step)).toMatchObject({ owner: 'other' })
})
