/** Code of a step that reads by handles outside its `ctx` has the labels of what it reads, and what it writes has its labels. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  defineAgent,
  defineMessage,
  defineTool,
  LlmAgent,
  type StepContext,
  type User,
} from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

type TaintLabel = `untrusted:${string}`
const { opened } = troupesOfTests()
const Note = defineMessage<string>('note')
const Ask = defineMessage<string, string>('ask')
const text = 'text of a stranger'

/** Writes a text with these labels, and returns how code reads it by the handles of the user. */
type Read = (ada: User, taint: readonly TaintLabel[]) => Promise<() => Promise<unknown>>

/** An agent that reads a text with these labels and goes on with it. */
const reader = (taint: readonly TaintLabel[], go: (read: string, ctx: StepContext) => Promise<unknown> | unknown) =>
  defineAgent({
    name: 'Reader',
    run: async (_, ctx) => (await go(await ctx.effect('page', { class: 'read', taint }, () => text), ctx)) as never,
  })
const runOf = async (ada: User, agent: Agent, id: string) => {
  const run = await ada.orchestra.start({ id, task: 'read', topology: solo(agent) })
  await run.result()
  return run
}
const entry: (read: (ada: User) => Promise<unknown>) => Read = (read) => async (ada, taint) => {
  await ada.context.push('notes', text, { taint, audience: 'everyone' })
  return () => read(ada)
}
const message: (read: (ada: User) => Promise<unknown>) => Read = (read) => async (ada, taint) => {
  await ada.agent('X').messages.send(Note, text, { to: 'Box', taint })
  return () => read(ada)
}
const pastRun: (read: (ada: User) => Promise<unknown>) => Read = (read) => async (ada, taint) => {
  await runOf(
    ada,
    reader(taint, (found) => found),
    'past',
  )
  return () => read(ada)
}
const thread: (read: (ada: User, agent: Agent) => Promise<unknown>) => Read = (read) => async (ada, taint) => {
  const agent = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: ['one', 'two'] }) })
  await ada.session(agent, { threadId: 't' }).generate(text, { taint })
  return () => read(ada, agent)
}
const firstOf = async (items: AsyncIterable<unknown>, count = 1) => {
  const found: unknown[] = []
  for await (const item of items) if (found.push(item) === count) break
  return found
}

const reads: Readonly<Record<string, Read>> = {
  'an entry that is got': entry((ada) => ada.context.get('notes')),
  'an entry that is got from a cache': entry((ada) => ada.context.get('notes', { maxAge: '1h' })),
  'an entry with its fields': entry((ada) => ada.agent('B').context.getEntry('notes')),
  'several entries': entry(async (ada) => [...(await ada.context.getMany(['notes']))]),
  'a list of entries': entry(async (ada) => (await ada.context.list()).items),
  'the history of an entry': entry(async (ada) => (await ada.context.history('notes')).items),
  'a batch of reads': entry(async (ada) => ada.context.batch([{ type: 'get', key: 'notes' }])),
  'the value of an update': entry(async (ada) => {
    let seen: unknown
    await ada.context.update('notes', (value) => {
      seen = value
      return 'clean'
    })
    return seen
  }),
  'a watched entry': async (ada, taint) => async () => {
    const items = ada.context.watch()[Symbol.asyncIterator]()
    const next = items.next()
    await ada.context.push('notes', text, { taint })
    const { value } = await next
    await items.return?.()
    return value
  },
  'a message that is received': message(async (ada) => {
    const [delivery] = await ada.agent('Box').mailbox.receive({ wait: '5s' })
    await delivery?.ack()
    return delivery?.message.payload
  }),
  'a listed message': message(async (ada) => (await ada.agent('Box').mailbox.messages()).items),
  'a dead letter': async (ada, taint) => {
    const { mailbox } = ada.agent('Box')
    await ada.agent('X').messages.send(Note, text, { to: 'Box', taint })
    for (let i = 0; i < 10; i++) for (const one of await mailbox.receive()) await one.nack({ reason: text })
    return async () => (await mailbox.deadLetters()).items.map(({ reason }) => reason)
  },
  'the answer to a request': async (ada, taint) => {
    const answers = (async () => {
      const [asked] = await ada.agent('Box').mailbox.receive({ wait: '10s' })
      const run = reader(taint, (found) => asked?.reply(found))
      await runOf(ada, run, 'answering')
    })()
    return async () => {
      const answer = await ada.agent('X').messages.request(Ask, 'what?', { to: 'Box' })
      await answers
      return answer
    }
  },
  'the items of a memory': async (ada, taint) => {
    await ada.memory('Clerk').working('t').add(text, { taint })
    return () => ada.memory('Clerk').working('t').items()
  },
  'the history of a memory': async (ada, taint) => {
    const { facts } = ada.memory('Clerk')
    await facts.add(text, { key: 'k', taint })
    await facts.add('clean', { key: 'k' })
    return () => facts.history('k')
  },
  'an episode that is found': async (ada, taint) => {
    await ada.memory('Clerk').episodic.add(text, { taint })
    return () => ada.memory('Clerk').episodic.retrieveSimilar('stranger')
  },
  'the result of a run': pastRun(async (ada) => (await ada.orchestra.get('past')).result()),
  'the output of a run': pastRun(async (ada) => (await ada.orchestra.get('past')).output()),
  'the events of a run': pastRun(async (ada) => firstOf((await ada.orchestra.get('past')).events())),
  'the calls of a step': pastRun(async (ada) => (await ada.orchestra.get('past')).calls('1#1')),
  'the state of a run': pastRun(async (ada) => (await ada.orchestra.get('past')).inspect()),
  'the state of a run at an event': pastRun((ada) => ada.orchestra.at('past', 3)),
  'the export of a run': pastRun((ada) => ada.orchestra.export('past')),
  'the explanation of a run': pastRun((ada) => ada.orchestra.why('past')),
  'the comparison of two runs': pastRun((ada) => ada.orchestra.compare('past', 'past')),
  'a list of runs': async (ada, taint) => {
    await (
      await ada.orchestra.start({ task: text, taint, topology: solo(defineAgent({ name: 'E', run: () => 'x' })) })
    ).result()
    return async () => (await ada.orchestra.list()).items
  },
  'the answer of a session': async (ada, taint) => async () => {
    const agent = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: [text] }) })
    return (await ada.session(agent).generate('say it', { taint })).text
  },
  'a streamed answer of a session': async (ada, taint) => async () => {
    const agent = new LlmAgent({ name: 'Clerk', model: new MockModel({ responses: [text] }) })
    return firstOf(ada.session(agent).stream('say it', { taint }))
  },
  'an older thread of a session': thread(async (ada, agent) => ada.session(agent, { threadId: 't' }).chat('and?')),
  'the messages of a thread': thread(async (ada) => (await ada.orchestra.thread('t')).messages),
  'the titles of threads': thread(async (ada) => (await ada.orchestra.threads()).items),
  'a cached result': async (ada, taint) => {
    await ada.context.push('notes', text, { taint })
    const cached = () => ada.cached(() => ada.context.get('notes'), { key: 'notes' })
    await cached()
    return cached
  },
}

/** The code of a step by which a handle is used. */
const codes: Readonly<Record<string, (read: () => Promise<unknown>) => Agent>> = {
  'an effect': (read) =>
    defineAgent({ name: 'A', run: async (_, ctx) => JSON.stringify(await ctx.effect('x', { class: 'read' }, read)) }),
  'an effect that happens at most once': (read) =>
    defineAgent({ name: 'A', run: (_, ctx) => ctx.effect('x', { class: 'at-most-once' }, read) as never }),
  'a pure effect': (read) =>
    defineAgent({ name: 'A', run: (_, ctx) => ctx.effect('x', { class: 'pure' }, read) as never }),
  'a function agent': (read) => defineAgent({ name: 'A', run: async () => JSON.stringify(await read()) }),
  'a tool': (read) => withTool(read, { effect: 'read' }),
  'a durable tool': (read) => withTool(read, { durable: true }),
}
function withTool(read: () => Promise<unknown>, options: object): Agent {
  const inputSchema = z.object({})
  const execute = async () => JSON.stringify(await read())
  const look = defineTool({ name: 'look', description: 'Looks.', inputSchema, ...options, execute } as never)
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'look', args: {} }] }, 'done'] })
  return new LlmAgent({ name: 'A', model, tools: { look } })
}

const past = async (ada: User, id: string) => (await (await ada.orchestra.get(id)).result()).taint
/** Writes by handles of the user, and the labels of what was written. */
const writes: Readonly<
  Record<string, { by: (ada: User, found: string) => Promise<unknown>; taint: (ada: User) => Promise<unknown> }>
> = {
  'an entry': {
    by: (ada, found) => ada.context.push('copy', found),
    taint: async (ada) => (await ada.context.getEntry('copy'))?.taint,
  },
  'a message': {
    by: (ada, found) => ada.agent('X').messages.send(Note, found, { to: 'Box' }),
    taint: async (ada) => (await ada.agent('Box').mailbox.messages()).items[0]?.taint,
  },
  'a memory': {
    by: (ada, found) => ada.memory('Clerk').episodic.add(found),
    taint: async (ada) => (await ada.memory('Clerk').episodic.items())[0]?.taint,
  },
  'the task of a run': {
    by: async (ada, found) => {
      const agent = defineAgent({ name: 'Copy', run: async (input) => input as never })
      await (await ada.orchestra.start({ id: 'copy', task: found, topology: solo(agent) })).result()
    },
    taint: (ada) => past(ada, 'copy'),
  },
  'the answer to a question': {
    by: async (ada, found) => {
      const agent = defineAgent({ name: 'Asks', run: (_, ctx) => ctx.ask({ text: 'what?' }) })
      const run = await ada.orchestra.start({ id: 'asks', task: 'x', topology: solo(agent) })
      const { questions } = await run.result()
      await run.answer(questions[0]?.id ?? '', found)
      await run.result()
    },
    taint: (ada) => past(ada, 'asks'),
  },
}

describe('handles in the code of a step', () => {
  for (const [name, prepare] of Object.entries(reads))
    for (const taint of [['untrusted:web'], []] as const)
      it(`A step whose effect reads ${name} by a handle ${taint.length > 0 ? 'has its labels' : 'has no labels if it has none'}.`, async () => {
        const ada = (await opened()).user('ada')
        const read = await prepare(ada, taint)
        let seen: unknown
        const agent = codes['an effect']?.(async () => {
          seen = await read()
          return null
        }) as Agent
        const result = await ada.orchestra.run({ task: 'go', topology: solo(agent) })
        expect(result.error).toBeUndefined()
        expect(JSON.stringify(seen)).toBeDefined()
        expect(result.taint ?? []).toEqual(taint)
      })

  for (const [name, agentWith] of Object.entries(codes))
    it(`The labels of what a handle reads reach the step from ${name}.`, async () => {
      const ada = (await opened()).user('ada')
      await ada.context.push('notes', text, { taint: ['untrusted:web'] })
      const { taint, error } = await ada.orchestra.run({
        task: 'go',
        topology: solo(agentWith(() => ada.context.get('notes'))),
      })
      expect(error).toBeUndefined()
      expect(taint).toEqual(['untrusted:web'])
    })

  it('A step that reads the question of another step in progress has labels of both kinds, since those of that step are not recorded yet.', async () => {
    const ada = (await opened()).user('ada')
    const asks = reader(['untrusted:web'], (found, ctx) => ctx.ask({ text: found }))
    const run = await ada.orchestra.start({ task: 'ask', topology: solo(asks) })
    const { questions } = await run.result()
    expect(questions.map((question) => question.text)).toEqual([text])
    const watcher = defineAgent({ name: 'Watcher', run: async () => (await run.result()).questions[0]?.text ?? '' })
    const { taint } = await ada.orchestra.run({ task: 'go', topology: solo(watcher) })
    expect(taint).toEqual(['sensitive:*', 'untrusted:*'])
  })

  it('A step that a reopened troupe executes again has the labels of a read that its record answers.', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'live-reads-')), 't.db')
    let reads = 0
    const open = async () => {
      const held: { ada?: User } = {}
      const run = async (_: unknown, ctx: StepContext) => {
        const found = await ctx.effect('look', { class: 'read' }, async () => {
          reads++
          return (await held.ada?.context.get('notes')) as string
        })
        await ctx.ask({ text: 'Go on?' })
        return found
      }
      const agent = defineAgent({ name: 'A', run })
      const troupe = await opened({ storage: `sqlite:${path}`, agents: [agent] })
      held.ada = troupe.user('ada')
      return { troupe, ada: held.ada }
    }
    const before = await open()
    await before.ada.context.push('notes', text, { taint: ['untrusted:web'] })
    const begun = await before.ada.orchestra.start({ id: 'r', task: 'go', agent: 'A' })
    await begun.result()
    await before.ada.context.delete('notes')
    await before.troupe.close()
    const after = await open()
    const run = await after.ada.orchestra.get('r')
    const { questions } = await run.result()
    await run.answer(questions[0]?.id ?? '', 'yes')
    const result = await run.result()
    expect([result.response, result.taint, reads]).toEqual([text, ['untrusted:web'], 1])
  })

  for (const [name, write] of Object.entries(writes))
    it(`A write by a handle in the code of a step has the labels of the step: ${name}.`, async () => {
      const ada = (await opened()).user('ada')
      const agent = reader(['untrusted:web'], (found, ctx) =>
        ctx.effect('copy', { class: 'idempotent' }, async () => {
          await write.by(ada, found)
          return null
        }),
      )
      const { error } = await ada.orchestra.run({ task: 'go', topology: solo(agent) })
      expect(error).toBeUndefined()
      expect(await write.taint(ada)).toEqual(['untrusted:web'])
    })

  it('Code outside steps reads and writes without labels of earlier reads.', async () => {
    const ada = (await opened()).user('ada')
    await ada.context.push('notes', text, { taint: ['untrusted:web'] })
    await ada.context.push('copy', `${await ada.context.get('notes')}`)
    expect((await ada.context.getEntry('copy'))?.taint).toEqual([])
  })

  it('Code that outlives its step adds nothing to it, and its writes have no labels of it.', async () => {
    const ada = (await opened()).user('ada')
    await ada.context.push('notes', text, { taint: ['untrusted:web'] })
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    const agent = defineAgent({
      name: 'A',
      run: async () => {
        late = ended.then(async () => ada.context.push('late', `${await ada.context.get('notes')}`))
        return 'done'
      },
    })
    const { taint } = await ada.orchestra.run({ task: 'go', topology: solo(agent) })
    end()
    await late
    expect([taint, (await ada.context.getEntry('late'))?.taint]).toEqual([undefined, []])
  })
})
