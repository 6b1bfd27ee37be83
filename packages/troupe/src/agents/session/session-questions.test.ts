/** Questions of a session whose time ran out while no process was there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createVirtualClock } from '../../core/index.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-session-questions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const { opened, closeAll } = troupesOfTests()
const start = Date.UTC(2026, 0, 1)
const day = 86_400_000

const ask = defineTool({
  name: 'ask',
  description: 'Asks a person.',
  inputSchema: z.object({}),
  durable: true,
  execute: async (_, { ctx }) => ctx.ask({ text: 'Which?', timeout: '1h', default: 'none' }),
})
const agentOf = () => {
  const model = new MockModel({
    responses: [{ toolCalls: [{ name: 'ask', args: {} }] }, ({ prompt }) => JSON.stringify(prompt.at(-1)?.content)],
  })
  return new LlmAgent({ name: 'Clerk', model, tools: { ask } })
}

/** A process whose session asks, ends, and is started again after so many ms. */
async function askAndReturn(name: string, awayMs: number) {
  const storage = `sqlite:${join(folder, name)}`
  const agent = agentOf()
  const before = await opened({ storage, clock: createVirtualClock({ start }) })
  const { status } = await before.user('ada').session(agent, { threadId: 't' }).generate('go')
  expect(status).toBe('waiting')
  await closeAll()
  const clock = createVirtualClock({ start: start + awayMs })
  const troupe = await opened({ storage, clock })
  return { clock, session: troupe.user('ada').session(agent, { threadId: 't' }) }
}

describe('a question of a session whose timeout passes while no process runs', () => {
  it('A question of a session can be answered for a minute after the process is back.', async () => {
    const { clock, session } = await askAndReturn('answered.db', 3 * day)
    await clock.advance('59s')
    const [question] = await session.questions()
    const { status, text } = await session.answer(question?.id ?? '', 'this one')
    expect([status, text]).toEqual(['completed', expect.stringContaining('this one')])
  })

  it('A question of a session expires when the process has been back for a minute.', async () => {
    const { clock, session } = await askAndReturn('expired.db', 3 * day)
    await clock.advance('61s')
    const [question] = await session.questions()
    const { text } = await session.answer(question?.id ?? '', 'this one')
    expect(text).toContain('none')
  })

  it('A question of a session whose time is not over expires as shown.', async () => {
    const { clock, session } = await askAndReturn('shown.db', day / 48)
    await clock.advance('29m')
    const [question] = await session.questions()
    const { text } = await session.answer(question?.id ?? '', 'this one')
    expect(text).toContain('this one')
  })
})

it('A tool that the application calls, and that asks, rejects with its question; the answer returns its output.', async () => {
  const session = (await opened()).user('ada').session(agentOf(), { threadId: 'u' })
  const called = session.executeTool('ask', {})
  await expect(called).rejects.toMatchObject({
    code: 'session.waiting',
    hint: expect.stringMatching(/session\.answer/),
  })
  const [{ id } = { id: '' }] = await session.questions()
  await expect(called).rejects.toThrow(id)
  expect(await session.answer(id, 'the blue one')).toMatchObject({ status: 'completed', output: 'the blue one' })
})
