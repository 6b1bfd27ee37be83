/** A testbed for sessions: real steps on a real storage, and scripted models. It is closed after each test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { z } from 'zod'
import { type Clock, createEvents, type EventFields, type Json, seededRandom, systemClock } from '../../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, journalMigrations } from '../../journal/index.ts'
import type { Message } from '../../messaging/index.ts'
import { createModels, type ModelsOptions } from '../../models/index.ts'
import { createTaintGuard, openEgress, readTaintPolicy } from '../../security/index.ts'
import { openStorage } from '../../storage/index.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { defineTool } from '../../tools/index.ts'
import type { Agent } from '../agent-port.ts'
import { agentsMigrations } from '../agents-migrations.ts'
import { BaseLlmAgent } from '../definitions/base-llm-agent.ts'
import type { LlmAgentOptions } from '../definitions/llm-definition.ts'
import { createMemories } from '../memory/create-memories.ts'
import { createThreadMessages } from '../model/create-thread-messages.ts'
import { createToolRecords } from '../model/create-tool-records.ts'
import type { Services } from '../services-port.ts'
import { buildStepContext } from '../step/build-step-context.ts'
import { createSessions } from './session.ts'
import type { SessionParts } from './session-parts.ts'
import type { SessionResult } from './session-result.ts'

/** The default policy, whose incidents are not recorded. */
export const silentGuard = (clock: Clock) =>
  createTaintGuard(readTaintPolicy(), {
    incidents: { record: () => {}, rejected: () => {} },
    egress: openEgress({ allow: [] }, { clock }),
    events: createEvents(() => {}),
    clock,
  })

/** Real steps on a real storage, so that what is recorded is tested too. */
async function createSessionTestbed(
  url = 'memory:',
  more: {
    readonly models?: Partial<ModelsOptions>
    readonly services?: Partial<Services>
    readonly continuations?: number
  } = {},
) {
  const clock = systemClock
  const random = seededRandom(7)
  const storage = await openStorage({ url, migrations: [...journalMigrations, ...agentsMigrations], clock, random })
  let commits = 0
  const commit = storage.commit.bind(storage)
  storage.commit = (change) => {
    commits++
    return commit(change)
  }
  let reads = 0
  const read = storage.read.bind(storage)
  storage.read = (scope, statements) => {
    if ('user' in scope) reads++
    return read(scope, statements)
  }
  const journals = createJournals({ storage, clock, owner: 'test' })
  const inbox = createInbox({ storage, clock })
  const timers = createTimers({ storage, clock })
  const limits = more.continuations === undefined ? {} : { limits: { continuations: more.continuations } }
  const steps = createSteps({ storage, journals, inbox, timers, clock, random, ...limits })
  timers.start()
  const seen: EventFields[] = []
  const events = createEvents(() => {})
  events.on('*', (event) => seen.push(event))
  const services: Services = {
    platform: { clock, events },
    external: { models: createModels({ clock, random, events, ...more.models }), toolSources: {} as never },
    records: {
      threadMessages: createThreadMessages({ storage }),
      memories: createMemories({ storage }),
      toolRecords: createToolRecords({ storage }),
    },
    guard: silentGuard(clock),
    limits: { timeouts: {} },
    ...more.services,
  }
  const contextOf: SessionParts['contextOf'] = (recorder, { name, ask }) =>
    buildStepContext({
      agent: name,
      recorder,
      clock,
      random,
      clients: { ask, context: {} as never, messages: {} as never, metrics: {} as never },
      guard: services.guard,
    })
  const sent: Json[] = []
  const send = async (_: string, from: Agent, to: string, content: Json) => {
    sent.push(content)
    return { from: from.name, to, payload: content } as unknown as Message
  }
  const sessions = createSessions({ steps, storage, services, contextOf, send })
  return {
    storage,
    services,
    seen,
    sent,
    commits: () => commits,
    /** The number of reads of users; timers read by themselves. */
    reads: () => reads,
    journals,
    session: (agent: Agent, threadId = 't', user = 'u') => sessions(agent, { user, threadId }),
    async close() {
      await steps.close()
      await timers.stop()
      await storage.close()
    },
  }
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
export async function openSessionTestbed(...options: Parameters<typeof createSessionTestbed>) {
  const opened = await createSessionTestbed(...options)
  let closed = false
  const close = async () => {
    if (!closed) await opened.close()
    closed = true
  }
  cleanups.push(close)
  return { ...opened, close }
}
export const file = () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-session-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return `sqlite:${join(folder, 'troupe.db')}`
}
export const mockAgent = (responses: readonly MockItem[], options: Partial<LlmAgentOptions> = {}) => {
  const model = new MockModel({ responses })
  return { model, agent: new BaseLlmAgent({ name: 'A', instructions: 'You are A.', model, ...options }) }
}
export const tool = (execute: (input: { q: string }, call: { signal: AbortSignal }) => unknown, options = {}) =>
  defineTool({ name: 'act', description: 'Acts.', inputSchema: z.object({ q: z.string() }), ...options, execute })
export const mail = defineTool({
  name: 'mail',
  description: 'Sends.',
  inputSchema: z.object({ q: z.string() }),
  needsApproval: true,
  execute: () => 'sent',
})
export const call = (q = 'x'): MockItem => ({ toolCalls: [{ name: 'act', args: { q } }] })
export const onlyQuestion = ({ questions = [] }: SessionResult) => {
  const [{ id, hash = '' } = { id: '' }] = questions
  return { id, hash }
}
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => void systemClock.after(5, resolve))
}
export const promptOf = (model: MockModel, i: number) => JSON.stringify(model.calls[i]?.prompt)
