import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { TroupeEvent } from '../../core/index.ts'
import { defineTool, LlmAgent, patterns } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import type { MemoryOptions, SummaryRequest } from '../definitions/memory-options.ts'

const { ada, opened, closeAll } = troupesOfTests()

const long = (n: number) => `Fact ${n}: ${`the parcel ${n} is blue `.repeat(20)}`
const promptsOf = (model: MockModel): readonly string[] => model.calls.map(({ prompt }) => JSON.stringify(prompt))
const summaryText = 'A summary of what was said before:'
/** Calls that ask for a summary offer no tools, and are told to summarise. */
const isSummary = (prompt: string) => prompt.includes('Summarise the conversation')

async function converse(memory: MemoryOptions, turns: number, storage = 'memory:') {
  const reply: MockItem = ({ prompt }) => {
    const text = JSON.stringify(prompt)
    return isSummary(text) ? `Summary ${text.match(/Fact \d+/g)?.at(-1)}.` : 'Noted.'
  }
  const items = Array.from({ length: 2 * turns }, () => reply)
  const model = new MockModel({ responses: items })
  const agent = new LlmAgent({ name: 'Clerk', instructions: 'Note facts.', model, memory })
  const troupe = await opened({ storage })
  const user = troupe.user('ada')
  const compacted: TroupeEvent<'thread.compacted'>[] = []
  troupe.on('thread.compacted', (event) => {
    compacted.push(event)
  })
  for (let n = 1; n <= turns; n++) await user.session(agent, { threadId: 'parcels' }).generate(long(n))
  return { model, compacted }
}

/** An agent whose model rejects prompts of more than 2,000 characters. */
function clerkWithWindow(memory: MemoryOptions) {
  const reply: MockItem = ({ prompt }) => {
    const { length } = JSON.stringify(prompt)
    if (length <= 2_000) return 'Noted.'
    const error = new Error(`prompt is too long: ${length} tokens > 2000 maximum`)
    return { error: Object.assign(error, { statusCode: 400 }) }
  }
  const model = new MockModel({ responses: Array.from({ length: 40 }, () => reply) })
  return { agent: new LlmAgent({ name: 'Clerk', instructions: 'Note facts.', model, memory }), model }
}

describe('memory.compaction', () => {
  it('A conversation past three compactions is sent as a summary and its newest messages, each summary once.', async () => {
    const { model, compacted } = await converse({ compaction: { at: 400, retainTurns: 1 } }, 10)
    const prompts = promptsOf(model)
    const summaries = prompts.filter(isSummary)
    expect(compacted).toHaveLength(summaries.length)
    for (const [i, event] of compacted.entries()) {
      expect(event).toMatchObject({ userId: 'ada', agent: 'Clerk', by: 'model' })
      expect(event.tokens).toBeGreaterThan(400)
      expect(event.messages).toBeGreaterThan(compacted[i - 1]?.messages ?? 0)
    }
    expect(summaries.length).toBeGreaterThanOrEqual(3)
    // Each summary is made of the one before it and of what was said since.
    expect(summaries[1]).toContain('Summary Fact')
    const last = prompts.at(-1) as string
    expect(last).toContain(summaryText)
    expect(last).toContain('Fact 10:')
    expect(last).not.toContain('Fact 1:')
    for (const prompt of prompts.filter((each) => !isSummary(each))) expect(prompt.length).toBeLessThan(400 * 4 + 2_000)
  })

  it('A prompt that the model rejects for its length is asked for once more after a compaction, also in a replay.', async () => {
    const { agent, model } = clerkWithWindow({ compaction: { at: 100_000, by: 'rules' } })
    const troupe = await opened()
    const { orchestra } = troupe.user('ada')
    const compacted: TroupeEvent<'thread.compacted'>[] = []
    troupe.on('thread.compacted', (event) => {
      compacted.push(event)
    })
    const topology = { agents: [agent], flows: ['Start -> Clerk', 'Clerk -> End'] }
    for (let n = 1; n <= 6; n++) {
      const run = await orchestra.start({ task: long(n), topology, threadId: 'parcels' })
      expect(await run.result()).toMatchObject({ status: 'completed', response: 'Noted.' })
      expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    }
    expect(compacted.length).toBeGreaterThan(0)
    expect(promptsOf(model).at(-1)).toContain(summaryText)
    expect(promptsOf(model).at(-1)).toContain('Fact 6:')
  })

  it('Without compaction, the error of a prompt that is too long says what to set.', async () => {
    const { agent } = clerkWithWindow({})
    const session = (await ada()).session(agent)
    await session.generate(long(1))
    const asking = [2, 3, 4, 5].map((n) => session.generate(long(n)))
    await expect(Promise.all(asking)).rejects.toMatchObject({
      code: 'model.too_long',
      message: expect.stringContaining('prompt is too long: '),
      hint: expect.stringContaining('Set memory.compaction'),
    })
    await Promise.allSettled(asking)
  })

  it('A summary by rules calls no model, and begins with the first question.', async () => {
    const { model, compacted } = await converse({ compaction: { at: 400, retainTurns: 1, by: 'rules' } }, 6)
    const prompts = promptsOf(model)
    expect(new Set(compacted.map(({ by }) => by))).toEqual(new Set(['rules']))
    expect(prompts.filter(isSummary)).toEqual([])
    expect(prompts.at(-1)).toContain(`${summaryText}\\nuser: `)
    expect(prompts.at(-1)).toContain('Fact 1:')
  })

  it('Five summaries by rules in a row preserve the first question, as lines below one heading.', async () => {
    const { model } = await converse({ compaction: { at: 600, retainTurns: 1, by: 'rules' } }, 24)
    const last = promptsOf(model).at(-1) as string
    expect(last).toContain(`${summaryText}\\nuser: Fact 1:`)
    expect(last.split(summaryText)).toHaveLength(2)
    const omitted = promptsOf(model).map((prompt) => Number(prompt.match(/\((\d+) lines are left out\)/)?.[1] ?? 0))
    const steps = [...new Set(omitted)]
    expect(steps.length).toBeGreaterThan(5)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    // Two lines for each turn: those in the summary and behind it, and those left out.
    expect(omitted.at(-1)).toBeGreaterThan(30)
  })

  it('A model whose summaries are too long is asked for one only if it is needed, not each turn.', async () => {
    const reply: MockItem = ({ prompt }) => (isSummary(JSON.stringify(prompt)) ? 'word '.repeat(10_000) : 'Noted.')
    const model = new MockModel({ responses: Array.from({ length: 100 }, () => reply) })
    const memory = { compaction: { at: 2_000, retainTurns: 1 } }
    const agent = new LlmAgent({ name: 'Clerk', model, memory })
    const user = await ada()
    for (let n = 1; n <= 50; n++) await user.session(agent, { threadId: 't' }).generate(long(n))
    const summaries = promptsOf(model).filter(isSummary).length
    // A turn has about 130 tokens, and between two summaries at least 500 are free.
    expect(summaries).toBeGreaterThan(2)
    expect(summaries).toBeLessThan(12)
  })

  it('A model that fails to summarise is replaced by the summary by rules.', async () => {
    const failing = ({ prompt }: { readonly prompt: unknown }) => {
      if (isSummary(JSON.stringify(prompt))) throw Object.assign(new Error('no'), { isRetryable: false })
      return 'Noted.'
    }
    const model = new MockModel({ responses: Array.from({ length: 12 }, () => failing as MockItem) })
    const memory = { compaction: { at: 400, retainTurns: 1 } }
    const agent = new LlmAgent({ name: 'Clerk', model, memory })
    const user = await ada()
    for (let n = 1; n <= 4; n++) await user.session(agent, { threadId: 't' }).generate(long(n))
    expect(promptsOf(model).at(-1)).toContain(summaryText)
  })

  it('A model that answers without a text is replaced by the summary by rules, so that no message is lost.', async () => {
    const reply: MockItem = ({ prompt }) => (isSummary(JSON.stringify(prompt)) ? ' ' : 'Noted.')
    const model = new MockModel({ responses: Array.from({ length: 12 }, () => reply) })
    const agent = new LlmAgent({ name: 'Clerk', model, memory: { compaction: { at: 400, retainTurns: 1 } } })
    const user = await ada()
    for (let n = 1; n <= 4; n++) await user.session(agent, { threadId: 't' }).generate(long(n))
    expect(promptsOf(model).at(-1)).toContain(`${summaryText}\\nuser: Fact 1:`)
  })

  it('The option retainTurns keeps the newest answers with their questions out of the summary.', async () => {
    for (const retainTurns of [1, 2]) {
      const { model } = await converse({ compaction: { at: 900, retainTurns, by: 'rules' } }, 8)
      const first = model.calls.findIndex(({ prompt }) => JSON.stringify(prompt).includes(summaryText))
      const sent = model.calls[first]?.prompt.filter(({ role }) => role === 'assistant') ?? []
      expect(sent).toHaveLength(retainTurns)
    }
  })

  it("A share as limit refers to the context window of the agent's model, which contextWindows names.", async () => {
    const model = new MockModel({ responses: Array.from({ length: 20 }, () => 'Noted.') })
    const agent = new LlmAgent({ name: 'Clerk', model, memory: { compaction: { at: 0.5, by: 'rules' } } })
    const name = `${model.provider}/${model.modelId}`
    const troupe = await opened({ contextWindows: { [name]: 1_000 } })
    const session = troupe.user('ada').session(agent, { threadId: 't' })
    for (let n = 1; n <= 6; n++) await session.generate(long(n))
    const prompts = promptsOf(model)
    expect(prompts.at(-1)).toContain(summaryText)
    for (const prompt of prompts) expect(prompt.length).toBeLessThan(500 * 4 + 2_000)
    await expect(opened({ contextWindows: { [name]: 0 } })).rejects.toThrow(name)
  })

  it('A function as summariser gets its previous summary, and a replay uses the recorded one.', async () => {
    const requests: SummaryRequest[] = []
    const by = (request: SummaryRequest) => {
      requests.push(request)
      return `Summary number ${requests.length}`
    }
    const { model, compacted } = await converse({ compaction: { at: 400, by } }, 8)
    expect(compacted.map((event) => event.by)).toEqual(requests.map(() => 'function'))
    expect(requests.length).toBeGreaterThan(2)
    expect(requests[0]?.messages[0]).toMatchObject({ from: 'user', text: long(1) })
    expect(requests[1]?.messages[0]).toEqual({ from: 'Clerk', text: 'Summary number 1' })
    expect(promptsOf(model).at(-1)).toContain(`Summary number ${requests.length}`)
    const calls = requests.length
    const troupe = await opened()
    const { orchestra } = troupe.user('ada')
    const looping = new MockModel({
      responses: [...Array.from({ length: 6 }, (_, n) => ({ toolCalls: [{ name: 'look', args: { n } }] })), 'Done.'],
    })
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      inputSchema: z.object({ n: z.number() }),
      effect: 'read',
      execute: ({ n }) => long(n),
    })
    const agent = new LlmAgent({
      name: 'Clerk',
      model: looping,
      tools: { look },
      memory: { compaction: { at: 400, by } },
    })
    const run = await orchestra.start({ agent, task: 'Look.' })
    expect(await run.result()).toMatchObject({ status: 'completed' })
    const made = requests.length
    expect(made).toBeGreaterThan(calls)
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    expect(requests).toHaveLength(made)
  })

  it.each([
    ['throws', () => Promise.reject(new Error('no summary today')), /no summary today/],
    ['returns no text', (() => 7) as never, /memory\.compaction\.by of Clerk/],
  ])('A summary function that %s fails the step.', async (_, by, problem) => {
    await expect(converse({ compaction: { at: 400, by } }, 8)).rejects.toThrow(problem)
  })

  it('A compaction leaves all summarised messages stored.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-compaction-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'troupe.db')
    await converse({ compaction: { at: 400, retainTurns: 1, by: 'rules' } }, 6, `sqlite:${file}`)
    await closeAll()
    const rows = new DatabaseSync(file).prepare('select message from thread_messages order by seq').all()
    const texts = rows.map(({ message }) => String(message))
    const { messages = [], summaries = [] } = Object.groupBy(texts, (text) =>
      text.includes('"compaction"') ? 'summaries' : 'messages',
    )
    for (let n = 1; n <= 6; n++) expect(messages.filter((text) => text.includes(`"Fact ${n}:`))).toHaveLength(1)
    expect(summaries.length).toBeGreaterThan(1)
  })

  it('A conversation below the limit is sent as it is.', async () => {
    const { model } = await converse({ compaction: { at: 100_000 } }, 6)
    for (const prompt of promptsOf(model)) expect(prompt).not.toContain(summaryText)
    expect(promptsOf(model).at(-1)).toContain('Fact 1:')
  })

  it('A long loop of tools within one step is summarised without separating a result from its call, and replays.', async () => {
    const look = defineTool({
      name: 'look',
      description: 'Looks up a parcel.',
      inputSchema: z.object({ n: z.number() }),
      effect: 'read',
      execute: async ({ n }) => long(n),
    })
    const calls: MockItem[] = Array.from({ length: 8 }, (_, n) => ({ toolCalls: [{ name: 'look', args: { n } }] }))
    const model = new MockModel({ responses: [...calls, 'Done.'] })
    const agent = new LlmAgent({
      name: 'Clerk',
      model,
      tools: { look },
      memory: { compaction: { at: 500, retainTurns: 1, by: 'rules' } },
    })
    const troupe = await opened()
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({
      task: 'Look up all.',
      topology: patterns.pipeline({ stages: [{ agents: [agent] }] }),
    })
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'Done.' })
    for (const { prompt } of model.calls) {
      const called = prompt.flatMap((message) =>
        message.role === 'assistant'
          ? message.content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))
          : [],
      )
      const answered = prompt.flatMap((message) =>
        message.role === 'tool'
          ? message.content.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))
          : [],
      )
      expect(answered).toEqual(called)
    }
    expect(promptsOf(model).at(-1)).toContain(summaryText)
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it.each<[string, object, string]>([
    ['at a share above the window', { compaction: { at: 1.5 } }, 'at'],
    ['at nothing', { compaction: { at: 0 } }, 'at'],
    ['at so few tokens that no summary fits', { compaction: { at: 255 } }, 'no summary fits'],
    ['that retains no turn', { compaction: { at: 500, retainTurns: 0 } }, 'retainTurns'],
    ['by something else', { compaction: { at: 1_000, by: 'magic' } }, 'not model, rules or a function'],
    ['beside maxTokens', { maxTokens: 5, compaction: { at: 1_000 } }, 'name one of the two'],
  ])('A compaction %s is rejected.', (_, memory, problem) => {
    const make = () =>
      new LlmAgent({ name: 'A', model: new MockModel({ responses: [] }), memory: memory as MemoryOptions })
    expect(make).toThrow(problem)
  })
})
