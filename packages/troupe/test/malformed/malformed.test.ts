/**
 * Hundreds of malformed answers of models, through the packages of providers and at the seam behind them: each ends a turn
 * in a typed way, each leaves a history that a provider accepts, and after each the next turn works.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type Clock, createTroupe, defineTool, LlmAgent, type Troupe, TroupeError } from '../../src/index.ts'
import { MockModel, systemClock } from '../../src/testing/index.ts'
import { historyProblem } from './history-problem.ts'
import { openServer, type Server } from './open-provider-server.ts'
import { type Output, readOutputs } from './recorded-output.ts'

const outputs = readOutputs()
const classes = [...new Set(outputs.map((output) => output.class))]
const concurrency = 8

/** Pauses between attempts take a hundredth of their time. */
const hurried: Clock = {
  ...systemClock,
  after: (ms, run, options) => systemClock.after(ms / 100, run, options),
}
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: () => 'seen',
})

let troupe: Troupe
let server: Server
beforeAll(async () => {
  troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    clock: hurried,
    models: { breaker: { failures: 1_000 } },
  })
  server = await openServer(outputs)
})
afterAll(async () => {
  await troupe.close()
  await server.close()
})

/** Says it as a provider's package would hand it over. */
function seam(output: Output): { readonly model: LanguageModelV4; readonly asked: LanguageModelV4CallOptions[] } {
  const sane = new MockModel({ responses: Array.from({ length: 5 }, () => 'fine') })
  const asked: LanguageModelV4CallOptions[] = []
  const malformed = (options: LanguageModelV4CallOptions): boolean => {
    asked.push(options)
    const last = options.prompt.at(-1)
    return last?.role !== 'tool' && !JSON.stringify(last).includes('And now?')
  }
  return {
    asked,
    model: {
      specificationVersion: 'v4',
      provider: 'seam',
      modelId: 'm',
      supportedUrls: {},
      doGenerate: async (options) => (malformed(options) ? (output.answer as never) : sane.doGenerate(options)),
      doStream: async (options) =>
        malformed(options)
          ? { stream: ReadableStream.from(output.answer as never[]) as never }
          : sane.doStream(options),
    },
  }
}

/** @returns what is wrong with how it ended */
async function problemOf(output: Output, index: number): Promise<string | undefined> {
  const settings = { baseURL: server.url(index), apiKey: 'k' }
  const made = seam(output)
  const model = {
    chat: { url: settings.baseURL, model: 'm', apiKey: 'k' },
    responses: createOpenAI(settings)('m'),
    anthropic: createAnthropic(settings)('m'),
    seam: made.model,
  }[output.protocol]
  const agent = new LlmAgent({ name: 'A', model, tools: { look } })
  const session = troupe.user('ada').session(agent, { threadId: String(index) })
  const ask = async (text: string) => {
    const signal = output.timeout ? AbortSignal.timeout(200) : undefined
    const options = signal ? { signal } : {}
    if (!output.stream) return session.run(text, options)
    return session.stream(text, options).result.catch((error: unknown) => ({ status: 'failed' as const, error }))
  }
  let ended = ''
  for (let turn = 0; turn < (output.turns ?? 1); turn++) {
    const outcome = await ask('Look.')
    const error = 'error' in outcome ? outcome.error : undefined
    if (error !== undefined && !(error instanceof TroupeError)) return `it was not typed: ${error}`
    ended = error === undefined ? outcome.status : error.code
  }
  const next = await session.run('And now?')
  if (!next.success || next.text !== 'fine') return `the next turn ended as ${JSON.stringify(next)}`
  const problem = historyProblem(
    output.protocol === 'seam' ? (made.asked.at(-1)?.prompt ?? []) : (server.asked(index).at(-1) ?? {}),
  )
  if (problem) return problem
  return ended === output.ends ? undefined : `it ended as ${ended}`
}

it('The corpus has at least 200 recorded outputs in named classes, without duplicates.', () => {
  expect(outputs.length).toBeGreaterThanOrEqual(200)
  const names = outputs.map((output) => [output.protocol, output.stream, output.class, output.name].join('/'))
  expect(new Set(names).size).toBe(outputs.length)
  expect(classes).toEqual([
    'cut at each byte',
    'cut answers',
    'not an answer',
    'wrong types',
    'nulls',
    'empty answers',
    'unknown tools',
    'ids of calls',
    'broken arguments',
    'huge answers',
    'usage',
    'invalid UTF-8',
    'after the end',
    'out of order',
    'results nobody asked for',
    'errors inside',
    'endless streams',
    'framing',
  ])
})

it.each(classes)(
  'Malformed outputs of the class %s end typed, leave a valid history, and the next turn works.',
  async (name) => {
    const waiting = [...outputs.entries()].filter(([, output]) => output.class === name)
    const found: string[] = []
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, output] = next
        const problem = await problemOf(output, index)
        if (problem) found.push(`${index} ${output.protocol}, ${output.name}: ${problem}`)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
    expect(found).toEqual([])
  },
  120_000,
)
