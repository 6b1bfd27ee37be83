import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineMessage, defineTool, LlmAgent, patterns, type Troupe } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'

/** Of the two offsets one has a surrogate pair at whichever position a text is cut. */
const longTexts = ['', 'a'].map((start) => [`${start}😀…`, start + '😀'.repeat(3_000)] as const)
const Note = defineMessage<string>('note')
const echo = defineAgent({ name: 'Echo', run: async (input) => input as never })
const open: Troupe[] = []
const opened = async () => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo] })
  open.push(troupe)
  return troupe.user('ada')
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})
const line = (...agents: readonly unknown[]) =>
  patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) as never })

describe.each([...longTexts, ['a NUL', `before\0${'after'.repeat(100)}`] as const])('A long text of %s', (_, text) => {
  test('A run takes it as its task, and its title is a part of it.', async () => {
    const ada = await opened()
    const run = await ada.orchestra.start({ task: text, topology: line(echo) })
    expect(await run.result()).toMatchObject({ status: 'completed', response: text })
    const [found] = (await ada.orchestra.list()).items
    expect(found?.title?.isWellFormed()).toBe(true)
  })

  test('A schedule starts the run of a message that holds it.', async () => {
    const ada = await opened()
    await ada.schedules.create({ id: 'inbox', topology: line(echo), onMessage: { type: Note } } as never)
    await ada.agent('Gateway').messages.send(Note, text, { to: 'inbox' })
    await expect.poll(async () => (await ada.orchestra.list()).items.length).toBe(1)
    expect((await ada.schedules.get('inbox')).problem).toBe(undefined)
  })

  test('A step fails with it as the message of its error.', async () => {
    const ada = await opened()
    const failing = defineAgent({
      name: 'Failing',
      run: async () => {
        throw new Error(text)
      },
    })
    const result = await (await ada.orchestra.start({ task: 'x', topology: line(failing) })).result()
    expect(result).toMatchObject({ status: 'failed', error: { code: 'agent.failed' } })
    expect(result.error?.message.isWellFormed()).toBe(true)
  })

  test('A model reads it as the reason why a tool failed.', async () => {
    const ada = await opened()
    const tool = defineTool({
      name: 'page',
      description: 'Reads.',
      inputSchema: z.object({}),
      effect: 'read',
      execute: () => {
        throw new Error(text)
      },
    })
    const model = new MockModel({ responses: [{ toolCalls: [{ name: 'page', args: {} }] }, 'read'] })
    const agent = new LlmAgent({ name: 'Reader', instructions: 'Read.', model, tools: [tool] })
    expect(await ada.session(agent).generate('Read.')).toMatchObject({ status: 'completed', text: 'read' })
    expect(JSON.stringify(model.calls).includes('\\ud83d"')).toBe(false)
  })

  test('A delivery is rejected with it as the reason.', async () => {
    const ada = await opened()
    await ada.agent('Gateway').messages.send(Note, 'x', { to: 'Stock' })
    const [delivery] = await ada.agent('Stock').mailbox.receive({ max: 1 })
    await delivery?.nack({ reason: text })
    expect(await ada.agent('Stock').mailbox.counts()).toMatchObject({ waiting: 1 })
  })
})
