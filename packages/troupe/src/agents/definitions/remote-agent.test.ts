/** Agents at the other end of a wire, played by a double. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Agents, createTroupe, defineAgent, defineRemoteAgent, type Troupe } from '../../index.ts'
import { MockRemoteAgent } from '../../testing/index.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
async function opened(storage = 'memory:'): Promise<Troupe> {
  const troupe = await createTroupe({ storage, log: 'silent' })
  cleanups.push(() => troupe.close())
  return troupe
}
const lead = defineAgent<string, string>({ name: 'Lead', run: (task) => `please: ${task}` })
const teamOf = (port: MockRemoteAgent, options: Partial<Agents.RemoteAgentOptions> = {}) => {
  const clerk = defineRemoteAgent({ name: 'Clerk', port, ...options })
  return { agents: [lead, clerk], flows: ['Lead -> Clerk'] }
}

describe('a remote agent', () => {
  test('A remote agent works in a topology as any other agent, and its output is the response.', async () => {
    const port = new MockRemoteAgent({ responses: [{ output: { booked: true } }] })
    const { orchestra } = (await opened()).user('ada')
    const run = await orchestra.start({ task: 'a room', topology: teamOf(port) })
    expect(await run.result()).toMatchObject({ status: 'completed', response: { booked: true } })
    expect(port.calls).toMatchObject([{ input: 'please: a room' }])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    port.verify()
  })

  test('A remote agent asks a person for missing input, repeatedly, and the answers return to its task.', async () => {
    const port = new MockRemoteAgent({ responses: [{ question: 'Which day?' }, { auth: 'Which card?' }, 'Booked.'] })
    const { orchestra } = (await opened()).user('ada')
    const run = await orchestra.start({ task: 'a room', topology: teamOf(port) })
    for (const [asked, answer] of [
      ['Which day?', 'Monday'],
      ['Which card?', 'the blue one'],
    ] as const) {
      const { questions } = await run.result()
      expect(questions).toMatchObject([{ text: expect.stringContaining(asked), agent: 'Clerk' }])
      await run.answer(questions[0]?.id ?? '', answer)
    }
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'Booked.' })
    expect(port.calls.slice(1)).toMatchObject([
      { input: 'Monday', task: 'task-1' },
      { input: 'the blue one', task: 'task-1' },
    ])
  })

  test.each([
    ['failed', 'out of rooms'],
    ['rejected', 'not for you'],
    ['canceled', 'closed today'],
  ] as const)('A remote agent whose task ends as %s fails its step with the reason.', async (state, problem) => {
    const port = new MockRemoteAgent({ responses: [{ [state]: problem } as never] })
    const run = await (await opened()).user('ada').orchestra.start({ task: 'a room', topology: teamOf(port) })
    const { status, error } = await run.result()
    expect([status, error?.code]).toEqual(['failed', 'remote.ended'])
    expect(error?.message).toContain(problem)
  })

  test('A remote agent is asked for the state of its task if the connection is lost after the work.', async () => {
    const port = new MockRemoteAgent({ responses: [{ output: 'Booked.', cut: true }] })
    const run = await (await opened()).user('ada').orchestra.start({ task: 'a room', topology: teamOf(port) })
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'Booked.' })
    expect(port.calls).toHaveLength(1)
  })

  test('A remote agent is asked for the state of its task after a crash, and works once.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-remote-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const port = new MockRemoteAgent({ responses: [{ output: 'Booked.', latency: '1h' }] })
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const first = await createTroupe({ storage, log: 'silent' })
    const { id } = await first.user('ada').orchestra.start({ task: 'a room', topology: teamOf(port) })
    await expect.poll(() => port.calls.length).toBe(1)
    await first.close()
    const [{ key = '' } = {}] = port.calls
    const knows = new MockRemoteAgent({ responses: ['never asked for'] })
    knows.find = async (asked) => (asked === key ? { id: 'task-1', state: 'completed', output: 'Booked.' } : undefined)
    const second = await createTroupe({ storage, log: 'silent', agents: teamOf(knows).agents })
    cleanups.push(() => second.close())
    const run = await second.user('ada').orchestra.get(id)
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'Booked.' })
    expect(knows.calls).toEqual([])
  })

  test('A remote agent is cancelled when its run is cancelled.', async () => {
    const port = new MockRemoteAgent({ responses: [{ output: 'late', latency: '1h' }] })
    const run = await (await opened()).user('ada').orchestra.start({ task: 'a room', topology: teamOf(port) })
    await expect.poll(() => port.calls.length).toBe(1)
    await run.cancel()
    expect((await run.result()).status).toBe('cancelled')
    expect(port.cancelled).toEqual([port.calls[0]?.key])
  })

  test('A remote agent that answers without a valid task fails its step, and the error shows the answer.', async () => {
    for (const wrong of [
      null,
      {},
      { id: 'a', state: 'done' },
      { id: 'a', state: 'completed' },
      { id: 'a', state: 'input-required' },
    ]) {
      const port = new MockRemoteAgent({ responses: [] })
      port.send = async () => wrong as never
      const run = await (await opened()).user('ada').orchestra.start({ task: 'x', topology: teamOf(port) })
      expect((await run.result()).error?.code, JSON.stringify(wrong)).toBe('remote.ended')
    }
  })

  test('A remote agent with invalid options is rejected.', () => {
    const port = new MockRemoteAgent({ responses: [] })
    expect(() => defineRemoteAgent({ name: 'Clerk', prt: port } as never)).toThrow(/no option prt/)
    expect(() => defineRemoteAgent({ name: 'Clerk', port: {} } as never)).toThrow(/send and answer/)
    expect(() => defineRemoteAgent({ name: 'Clerk', port, effect: 'pure' } as never)).toThrow(/pure/)
    expect(() => defineRemoteAgent({ name: 'User', port })).toThrow()
  })
})
