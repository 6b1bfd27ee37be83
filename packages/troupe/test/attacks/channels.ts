/**
 * The ways by which text of somebody else reaches a model. Each takes a text, brings it to the victim of its scene, and gives
 * the result of the run in which the victim acts. Rows of the corpus name them.
 */
import { z } from 'zod'
import { defineAgent, defineRemoteAgent, defineTool, LlmAgent, patterns } from '../../src/index.ts'
import { MockModel, MockRemoteAgent } from '../../src/testing/index.ts'
import { builtInTools } from '../../src/tools.ts'
import { type Channel, callFirst, generate, line, Note, type Result, runLine, web } from './channel-parts.ts'
import { handleChannels } from './handle-channels.ts'
import { obedientModel } from './obedient-model.ts'
import type { Context, Scene } from './testbed.ts'

const toolResult =
  (shape: (text: string) => unknown): Channel =>
  (scene, text) =>
    generate(scene, scene.victim(callFirst('page'), { tools: [scene.reading(shape(text))] }))

const throughContext =
  (tool: string, args: object, write: (text: string, ctx: Context) => Promise<unknown>): Channel =>
  (scene, text) =>
    runLine(
      scene,
      scene.reader('Reader', text, async (read, ctx) => {
        await write(read, ctx)
        return 'written'
      }),
      scene.victim(callFirst(tool, args), { tools: Object.values(builtInTools(tool as never)) }),
    )

/** Names are bounded: what does not fit is no name. */
const nameOf = (text: string, max: number) => text.normalize('NFC').slice(0, max)

const tools: Readonly<Record<string, Channel>> = {
  'tool result': toolResult((text) => text),
  'web page': toolResult((text) => `<html><body><h1>Prices</h1><p>${text}</p></body></html>`),
  mail: toolResult((text) => [{ from: 'eve@evil.test', subject: 'Invoice 17', body: text }]),
  'subject of a mail': toolResult((text) => [{ from: 'eve@evil.test', subject: text, body: 'See above.' }]),
  'calendar entry': toolResult((text) => ({ events: [{ title: 'Lunch', location: text, at: '2026-11-22' }] })),
  document: toolResult((text) => `${'A long report. '.repeat(50)}\n${text}\n${'It ends here. '.repeat(50)}`),
  'file name': toolResult((text) => ({ files: ['a.txt', `${text}.pdf`] })),
  'row of a table': toolResult((text) => `id;name\n1;Ada\n2;${text}\n`),
  'text of an image': toolResult((text) => ({ image: 'receipt.png', recognized: [{ line: 1, text }] })),
  'failed tool': (scene, text) =>
    generate(scene, scene.victim(callFirst('page'), { tools: [scene.reading(new Error(text))] })),
  'fetched page': async (scene, text, { site }) => {
    const path = `/${scene.userId}`
    site.pages.set(path, text)
    const look = defineTool({
      name: 'page',
      description: 'Reads an address.',
      inputSchema: z.object({}),
      effect: 'read',
      execute: async (_, { fetch }) => (await fetch(`${site.url}${path}`)).text(),
    })
    return generate(scene, scene.victim(callFirst('page'), { tools: [look] }))
  },
  'two results that only together give the order': (scene, text) => {
    const half = Math.ceil([...text].length / 2)
    const pieces = [[...text].slice(0, half), [...text].slice(half)].map(
      (piece, i) => `piece ${i + 1} of 2 <<${piece.join('')}>>`,
    )
    const [one, two] = pieces.map((piece, i) => scene.reading(piece, { untrusted: 'web' }, `page_${i + 1}`))
    return generate(scene, scene.victim(`${callFirst('page_1')} ${callFirst('page_2')}`, { tools: [one, two] }))
  },
}

const context: Readonly<Record<string, Channel>> = {
  'entry of another agent': throughContext('get_context', { key: 'notes' }, (text, ctx) =>
    ctx.context.push('notes', text),
  ),
  'large entry': throughContext('get_context', { key: 'notes' }, (text, ctx) =>
    ctx.context.push('notes', `${'filler '.repeat(4_000)}${text}`),
  ),
  'every entry that it sees': throughContext('get_context', {}, (text, ctx) => ctx.context.push('notes', text)),
  'entry derived by another agent': (scene, text) =>
    runLine(
      scene,
      scene.reader('Reader', text, async (read, ctx) => {
        await ctx.context.push('notes', read)
        return 'written'
      }),
      defineAgent({
        name: 'Writer',
        run: async (_, ctx) => {
          await ctx.context.push('summary', `In short: ${await ctx.context.get('notes')}`)
          return 'written'
        },
      }),
      scene.victim(callFirst('get_context', { key: 'summary' }), { tools: Object.values(builtInTools('get_context')) }),
    ),
  'entry that the application labels': async (scene, text) => {
    await scene.ada.agent('Import').context.push('notes', text, { taint: web })
    return generate(
      scene,
      scene.victim(callFirst('get_context', { key: 'notes' }), { tools: Object.values(builtInTools('get_context')) }),
    )
  },
  'updated entry': async (scene, text) => {
    const client = scene.ada.agent('Import').context
    await client.push('notes', text, { taint: web })
    await client.update('notes', (value) => `In short: ${value}`)
    return generate(
      scene,
      scene.victim(callFirst('get_context', { key: 'notes' }), { tools: Object.values(builtInTools('get_context')) }),
    )
  },
  'metadata of an entry': (scene, text) =>
    runLine(
      scene,
      scene.reader('Reader', text, (read, ctx) =>
        ctx.context.push('m', 1, { metadata: { note: read } }).then(() => 'ok'),
      ),
      defineAgent({
        name: 'Between',
        run: async (_, ctx) => JSON.stringify((await ctx.context.getEntry('m'))?.metadata ?? {}),
      }),
      scene.victim(),
    ),
  'history of an entry': async (scene, text) => {
    await scene.ada.agent('Between').context.push('notes', text, { taint: web })
    await scene.ada.agent('Between').context.push('notes', 'clean')
    const run = async (_: unknown, ctx: Context) =>
      (await ctx.context.history('notes')).items.map(({ value }) => value).join(' ')
    return runLine(scene, defineAgent({ name: 'Between', run }), scene.victim())
  },
  'shared memory': async (scene, text) => {
    await scene.ada.context.push('team.notes', text, { taint: web })
    return generate(scene, scene.victim('', { memory: { shared: 'team.' } }))
  },
  'names of entry keys': throughContext('list_context_keys', {}, (text, ctx) => ctx.context.push(nameOf(text, 250), 1)),
  'names of topics': throughContext('discover_topics', {}, (text, ctx) =>
    ctx.context.push('x', 1, { topics: [nameOf(text, 200)] }),
  ),
}

const memory: Readonly<Record<string, Channel>> = {
  'earlier turn of the thread': async (scene, text) => {
    const first = scene.victim().with({
      model: new MockModel({ responses: [{ toolCalls: [{ name: 'page', args: {} }] }, 'read'] }),
      tools: { page: scene.reading(text) },
    })
    await scene.ada.session(first, { threadId: 't' }).chat('Read the page.')
    return scene.ada.session(scene.victim(), { threadId: 't' }).generate('Do your work.')
  },
  'episode of another thread': async (scene, text) => {
    // The question finds the episode by its words, whatever the text is, and holds nothing of it.
    await scene.ada.memory('Victim').episodic.add(`Invoice of October: ${text}`, { taint: web })
    return generate(scene, scene.victim('', { memory: { episodic: true } }), 'Invoice of October')
  },
  'working memory': async (scene, text) => {
    const options = { memory: { working: true } }
    const remembering = [
      { toolCalls: [{ name: 'page', args: {} }] },
      { toolCalls: [{ name: 'remember', args: { text } }] },
      'noted',
    ]
    const first = scene
      .victim('', options)
      .with({ model: new MockModel({ responses: remembering }), tools: { page: scene.reading(text) } })
    await scene.ada.session(first, { threadId: 't' }).chat('Read the page.')
    return scene.ada.session(scene.victim('', options), { threadId: 't' }).generate('Do your work.')
  },
  'part of a long thread': async (scene, text) => {
    const options = { memory: { maxTokens: 60, retrieval: { limit: 1 } } }
    const talk = new MockModel({ responses: Array.from({ length: 3 }, () => 'talk '.repeat(60)) })
    const session = scene.ada.session(scene.victim('', options).with({ model: talk }), { threadId: 't' })
    await session.chat(text, { taint: web })
    for (let i = 0; i < 2; i++) await session.chat(`Number ${i}.`)
    return scene.ada.session(scene.victim('', options), { threadId: 't' }).generate(text.slice(0, 500), { taint: web })
  },
}

const agents: Readonly<Record<string, Channel>> = {
  'what a caller says, labelled': (scene, text) => generate(scene, scene.victim(), text, { taint: web }),
  'task of a run, labelled': async (scene, text) =>
    (await scene.ada.orchestra.start({ task: text, taint: web, topology: line(scene.victim()) })).result(),
  'agent before it': (scene, text) =>
    runLine(
      scene,
      scene.reader('Reader', text, (read) => read),
      scene.victim(),
    ),
  'agents beside each other': async (scene, text) => {
    const reader = scene.reader('Reader', text, (read) => read)
    const other = defineAgent({ name: 'Other', run: async () => 'nothing' })
    const stages = [{ agents: [reader, other], parallel: true }, { agents: [scene.victim()] }]
    return (await scene.ada.orchestra.start({ task: 'go', topology: patterns.pipeline({ stages } as never) })).result()
  },
  'reply to a request': async (scene, text) => {
    const reader = scene.reader('Reader', text, (read) => read)
    const ask = defineTool({
      name: 'ask_reader',
      description: 'Asks the reader.',
      inputSchema: z.object({}),
      durable: true,
      execute: (_, { ctx }) => ctx.request(Note, 'what is new?', { to: 'Reader' }),
    })
    const lead = scene.victim(callFirst('ask_reader'), { tools: [ask] })
    const topology = patterns.mesh({ agents: [lead, reader] as never, entry: lead as never })
    return (await scene.ada.orchestra.start({ task: 'go', topology })).result()
  },
  'result of a child run': (scene, text) => {
    const inner = line(scene.reader('Reader', text, (read) => read))
    const run = async (_: unknown, ctx: Context) =>
      ((await (await ctx.startRun({ task: 'read', topology: inner })).result()).response ?? null) as never
    return runLine(scene, defineAgent({ name: 'Starter', run }), scene.victim())
  },
  'task of a child run': (scene, text) => {
    const inner = line(scene.victim())
    const starter = scene.reader('Starter', text, async (read, ctx) => {
      const child = await ctx.startRun({ task: read, topology: inner })
      return (await child.result()).response ?? null
    })
    return runLine(scene, starter)
  },
  'helper that sums it up': (scene, text) => {
    const helper = new LlmAgent({
      name: 'Summer',
      instructions: callFirst('page'),
      model: obedientModel(),
      tools: [scene.reading(text)],
    })
    return generate(scene, scene.victim(callFirst('Summer', { request: 'Sum it up.' }), { agents: { Summer: helper } }))
  },
  'helper that fails with it': (scene, text) => {
    const helper = scene.reader('Failing', text, (read) => {
      throw new Error(read)
    })
    return generate(scene, scene.victim(callFirst('Failing', { request: 'x' }), { agents: { Failing: helper } }))
  },
  'remote agent': (scene, text) => {
    const port = new MockRemoteAgent({ responses: [{ output: text }] })
    return runLine(scene, defineRemoteAgent({ name: 'Remote', port }), scene.victim())
  },
  'retried run': async (scene, text) => {
    let attempts = 0
    const flaky = defineAgent({
      name: 'Flaky',
      run: async (input) => {
        if (attempts++ === 0) throw new Error('no')
        return input as never
      },
    })
    const topology = line(
      scene.reader('Reader', text, (read) => read),
      flaky,
      scene.victim(),
    )
    const run = await scene.ada.orchestra.start({ task: 'go', topology })
    await run.result()
    return (await run.retry()).result()
  },
  'forked run': async (scene, text) => {
    const topology = line(
      scene.reader('Reader', text, (read) => read),
      scene.victim(),
    )
    const run = await scene.ada.orchestra.start({ task: 'go', topology })
    await run.result()
    let at = 0
    for await (const event of run.events({ from: 0 })) {
      if (event.type !== 'step.completed') continue
      at = (event as { readonly seq?: number }).seq ?? 0
      break
    }
    return (await scene.ada.orchestra.fork(run.id, { at })).result()
  },
  'question of a labelled step and its answer': async (scene, text) => {
    const ask = defineTool({
      name: 'ask',
      description: 'Asks a person.',
      inputSchema: z.object({}),
      durable: true,
      execute: (_, { ctx }) => ctx.ask({ text: 'May I continue?' }),
    })
    const agent = scene.victim(`${callFirst('ask')} ${callFirst('page')}`, { tools: [ask, scene.reading(text)] })
    const run = await scene.ada.orchestra.start({ task: 'go', topology: line(agent) })
    const { questions } = await run.result()
    if (questions[0]) await run.answer(questions[0].id, 'As you like.')
    return run.result()
  },
}

/** The run that a schedule starts for what a labelled step did. */
export async function scheduledRun({ ada }: Scene, before: readonly string[]): Promise<Result> {
  // On a loaded machine a run may begin late; the limit of the row comes after this one.
  for (let i = 0; i < 2_000; i++) {
    const { items } = await ada.orchestra.list()
    const started = items.find(({ id }) => !before.includes(id))
    if (started) return (await ada.orchestra.get(started.id)).result()
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('the schedule started no run')
}

const schedules: Readonly<Record<string, Channel>> = {
  'message that starts a scheduled run': async (scene, text) => {
    await scene.ada.schedules.create({
      id: 'inbox',
      topology: line(scene.victim()),
      onMessage: { type: Note },
    } as never)
    const reader = scene.reader('Reader', text, (read, ctx) =>
      ctx.messages.send(Note, read, { to: 'inbox' }).then(() => 'sent'),
    )
    await (await scene.ada.orchestra.start({ id: 'first', task: 'x', topology: line(reader) })).result()
    return scheduledRun(scene, ['first'])
  },
  'message that the application labels': async (scene, text) => {
    await scene.ada.schedules.create({
      id: 'inbox',
      topology: line(scene.victim()),
      onMessage: { type: Note },
    } as never)
    await scene.ada.agent('Gateway').messages.send(Note, text, { to: 'inbox', taint: web })
    return scheduledRun(scene, [])
  },
  'entry whose change starts a scheduled run': async (scene, text) => {
    const agent = scene.victim(callFirst('get_context', { key: 'in.notes' }), {
      tools: Object.values(builtInTools('get_context')),
    })
    await scene.ada.schedules.create({ id: 'on', topology: line(agent), onContext: { pattern: 'in.*' } } as never)
    await scene.ada.agent('Gateway').context.push('in.notes', text, { taint: web, audience: 'everyone' } as never)
    return scheduledRun(scene, [])
  },
}

/** For the rows of goal hijack; those of memory are rows of memory poisoning. */
export const injectionChannels = { ...tools, ...context, ...agents, ...schedules, ...handleChannels }
export const memoryChannels = memory
