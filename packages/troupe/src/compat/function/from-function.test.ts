import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, patterns, type TroupeConfig } from '../../index.ts'
import type { ForeignOptions } from '../foreign/foreign-agent.ts'
import { type FunctionCall, fromFunction } from './from-function.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
async function opened(config: Partial<TroupeConfig> = {}) {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  cleanups.push(() => troupe.close())
  return troupe.user('ada')
}
const solo = (agent: ReturnType<typeof fromFunction>) => patterns.pipeline({ stages: [{ agents: [agent] }] })
const spent = (_: unknown, { used }: FunctionCall) => {
  used({ inputTokens: 300 })
  used({ outputTokens: 200 })
  return 'spent'
}

describe('a foreign function', () => {
  it('A foreign function is an agent: its value is passed on, and its tokens count in the run.', async () => {
    const { orchestra } = await opened()
    const twice = fromFunction(({ n }: { n: number }) => ({ n: 2 * n }), { name: 'Twice', effect: 'read' })
    const costs = fromFunction(spent, { name: 'Costs', model: 'openai/gpt-4o' })
    const run = await orchestra.start({
      task: { n: 2 },
      topology: patterns.pipeline({ stages: [{ agents: [twice] }, { agents: [costs] }] }),
    })
    const { response, usage, cost, branchResults } = await run.result()
    expect([response, usage, branchResults.length]).toEqual(['spent', { inputTokens: 300, outputTokens: 200 }, 1])
    expect(cost).toEqual({ usd: (300 * 2.5 + 200 * 10) / 1e6, unknown: ['Twice'] })
  })

  it('A foreign function that fails is charged with the tokens that it has reported.', async () => {
    const ada = await opened()
    const fails = (input: unknown, call: FunctionCall) => {
      spent(input, call)
      throw new Error('no answer')
    }
    const usage = { inputTokens: 300, outputTokens: 200 }
    const cost = { usd: (300 * 2.5 + 200 * 10) / 1e6, unknown: [] }
    const agents = [
      fromFunction(fails, { name: 'Fails', model: 'openai/gpt-4o' }),
      fromFunction(spent, { name: 'Misfits', model: 'openai/gpt-4o', outputSchema: z.number() }),
    ]
    for (const agent of agents) {
      const config = {
        budget: { tokens: 11_000 },
        onError: { '*': { retry: { attempts: 2, backoff: '1ms' as const } } },
      }
      const run = await ada.orchestra.start({ task: 1, topology: solo(agent), config })
      const result = await run.result()
      expect(result).toMatchObject({ status: 'failed', usage: { inputTokens: 600, outputTokens: 400 } })
      expect([result.cost.usd, result.guard]).toEqual([2 * cost.usd, undefined])
      expect(await ada.session(agent).run(1)).toMatchObject({ status: 'failed', usage, cost })
    }
  })

  it('A foreign function that hangs is charged with the tokens that it has reported.', async () => {
    const ada = await opened()
    const hanging = (onCall: () => void) =>
      fromFunction(
        (input: unknown, call: FunctionCall) => {
          spent(input, call)
          onCall()
          return new Promise(() => {})
        },
        { name: 'Hangs', model: 'openai/gpt-4o', effect: 'read' },
      )
    const config = { timeouts: { step: '1s' as const } }
    const late = await ada.orchestra.start({ task: 1, topology: solo(hanging(() => {})), config })
    const result = await late.result()
    expect(result).toMatchObject({ status: 'failed', usage: { inputTokens: 300, outputTokens: 200 } })
    const controller = new AbortController()
    const agent = hanging(() => setImmediate(() => controller.abort()))
    const cancelled = await ada.session(agent).run(1, { signal: controller.signal })
    expect(cancelled).toMatchObject({ status: 'cancelled', usage: { inputTokens: 300, outputTokens: 200 } })
  })

  it('A foreign function is checked by its schemas, and its result must be JSON.', async () => {
    const { orchestra } = await opened()
    let calls = 0
    const outcome = async (
      fn: (input: never) => unknown,
      options: Partial<ForeignOptions>,
      task: unknown = { n: 1 },
    ) => {
      const counted = (input: never) => {
        calls++
        return fn(input)
      }
      const agent = fromFunction(counted, { name: 'F', ...options })
      return (await (await orchestra.start({ task, topology: solo(agent) })).result()).error?.message
    }
    const n = z.object({ n: z.number() })
    expect(await outcome(() => 1, { inputSchema: n }, { n: 'one' })).toMatch(/input of F/i)
    expect(calls).toBe(0)
    expect(await outcome(() => 'one', { outputSchema: n })).toMatch(/output of F/i)
    expect(await outcome(() => new Date(), {})).toMatch(/answer of F/i)
    expect(await outcome(() => Promise.reject(new Error('the shelf is empty')), {})).toMatch(/the shelf is empty/)
  })

  it('A foreign function reserves budget before it starts, and releases what it did not use.', async () => {
    const { orchestra } = await opened()
    const result = async (tokens: number) => {
      const agents = ['A', 'B', 'C'].map((name) => fromFunction(spent, { name, maxTokens: 1_000 }))
      const topology = patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })
      return (await orchestra.start({ task: 't', topology, config: { budget: { tokens } } })).result()
    }
    expect(await result(2_000)).toMatchObject({ status: 'completed', usage: { inputTokens: 900, outputTokens: 600 } })
    expect(await result(1_999)).toMatchObject({ status: 'failed', guard: { name: 'tokens' } })
  })

  it('A foreign function gets a memory key of its thread and user alone.', async () => {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    cleanups.push(() => troupe.close())
    const agent = fromFunction((_, { thread }) => thread, { name: 'F' })
    const name = async (user: string, threadId: string) =>
      (await troupe.user(user).session(agent, { threadId }).generate('?')).text
    const names = [await name('ada', 'a'), await name('ada', 'b'), await name('bob', 'a'), await name('ada', 'a')]
    expect(new Set(names).size).toBe(3)
    expect(names[3]).toBe(names[0])
  })

  it('A foreign function with wrong or unknown options is rejected.', () => {
    const made =
      (options: object, fn: unknown = () => 1) =>
      () =>
        fromFunction(fn as never, options as never)
    expect(made({ name: 'F', efect: 'at-most-once' })).toThrow(/no option efect/)
    expect(made({ name: 'F', effect: 'pure' })).toThrow(/read, idempotent, at-most-once/)
    expect(made({ name: 'F', maxTokens: 0 })).toThrow(/maxTokens/)
    expect(made({ name: '' })).toThrow()
    expect(made({ name: 'F' }, 'code')).toThrow(/must be a function/)
  })
})

describe('an interrupted call of a foreign function', () => {
  const cutOff = async (effect: 'at-most-once' | 'idempotent') => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-foreign-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const keys: string[] = []
    const { promise: called, resolve } = Promise.withResolvers<void>()
    const agentOf = (answer: (call: FunctionCall) => unknown) =>
      fromFunction(
        (_, call) => {
          keys.push(call.key)
          return answer(call)
        },
        { name: 'F', effect },
      )
    const hanging = agentOf(({ signal }) => {
      resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const first = await createTroupe({ storage, log: 'silent' })
    const run = await first.user('ada').orchestra.start({ task: 't', topology: solo(hanging) })
    await called
    await first.close()
    const { orchestra } = await opened({ storage, agents: [agentOf(() => 'at last')] })
    return { keys, result: await (await orchestra.get(run.id)).result() }
  }

  it('An interrupted call of a foreign function is repeated with the same key if it is idempotent.', async () => {
    const { keys, result } = await cutOff('idempotent')
    expect(result).toMatchObject({ status: 'completed', response: 'at last' })
    expect(keys).toEqual([keys[0], keys[0]])
  })

  it('An interrupted call of a foreign function waits for a person if it is at-most-once.', async () => {
    const { keys, result } = await cutOff('at-most-once')
    expect(result).toMatchObject({ status: 'waiting', reason: 'uncertain' })
    expect(keys).toHaveLength(1)
  })
})
