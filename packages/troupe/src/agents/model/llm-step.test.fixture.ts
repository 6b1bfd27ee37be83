/** A step of an LlmAgent on a scripted model, without a run around it. */
import { z } from 'zod'
import { createEvents, decodeJson, type Json, seededRandom, systemClock } from '../../core/index.ts'
import { type Body, EncodedBody } from '../../journal/index.ts'
import { createModels } from '../../models/index.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'
import type { Flow, StepContext, StepEntry } from '../agent-port.ts'
import { BaseLlmAgent } from '../definitions/base-llm-agent.ts'
import type { LlmAgentOptions } from '../definitions/llm-definition.ts'
import { silentGuard } from '../session/session-testbed.test.fixture.ts'
import { plainRecorder } from './plain-recorder.test.fixture.ts'

const back: Flow = { invoke: [], handOff: [], finish: false, askUser: false, value: 'back' }

/** An agent on a scripted model, and what it takes to have it carry out steps of one conversation. */
export function stage(responses: readonly MockItem[], options: Partial<LlmAgentOptions> = {}) {
  const model = new MockModel({ responses })
  const agent = new BaseLlmAgent({ name: 'A', instructions: 'You are A.', model, ...options })
  const events = createEvents(() => {})
  const models = createModels({ clock: systemClock, random: seededRandom(1), events })
  const stored: Json[] = []
  const others = new Map<string, Json[]>()
  const listOf = (name: string) => (name === 'c' ? stored : (others.get(name) ?? others.set(name, []).get(name) ?? []))
  const threadMessages = {
    load: async (_: string, name: string) => listOf(name).map((message) => ({ message, taint: [] })),
    append: (_: string, name: string, from: number, { messages }: { readonly messages: readonly Body[] }) => {
      const stored = listOf(name)
      if (from !== stored.length) throw new Error(`messages from ${from} follow ${stored.length}`)
      stored.push(...messages.map((message) => (message instanceof EncodedBody ? decodeJson(message.text) : message)))
      return { statements: [] }
    },
    forget: () => ({ statements: [] }),
    forgetPrefix: () => ({ statements: [] }),
  }
  const asked: unknown[] = []
  const step = (input: Json, more: Partial<StepEntry> = {}, answer: (question: never) => Json = () => null) => {
    const recorder = plainRecorder()
    const ctx = {
      signal: recorder.signal,
      ask: async (question: never) => {
        asked.push(question)
        return answer(question)
      },
    } as unknown as StepContext
    const none = {} as never
    const services = {
      platform: { clock: systemClock, events },
      external: { models, toolSources: none },
      records: { threadMessages, memories: none, toolRecords: none },
      guard: silentGuard(systemClock),
      limits: { timeouts: {} },
      ...more.services,
    }
    return agent.step({ input, ctx, ctxOf: () => ctx, recorder, flow: back, thread: 'c', ...more, services })
  }
  return { model, agent, step, stored, asked }
}

export const team: Flow = { invoke: ['B', 'C'], handOff: [], finish: true, askUser: false, value: undefined }

export const look = (execute = async ({ q }: { q: string }): Promise<unknown> => `saw ${q}`, options = {}) =>
  defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ q: z.string() }),
    effect: 'read',
    ...options,
    execute,
  })
export const call = (name: string, args: unknown, id?: string): MockItem => ({
  toolCalls: [{ name, args, ...(id ? { id } : {}) }],
})
export const resultsIn = (model: MockModel, i: number) =>
  (model.calls[i]?.prompt ?? [])
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .map((part) => JSON.stringify(part))
