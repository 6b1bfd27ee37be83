import { describe, expect, it } from 'vitest'
import { AgentPool, defineAgent, finish, LlmAgent, patterns, type TroupeConfig } from '../../../index.ts'
import { openExport } from '../../../operations.ts'
import { MockModel } from '../../../testing/index.ts'
import { threadStorages } from './thread-storages.test.fixture.ts'

const { storages, opened: openTroupe } = await threadStorages('run_threads')

/** Answers with the number of messages that it was sent, and with their texts. */
const counting = () =>
  new MockModel({
    responses: Array.from(
      { length: 9 },
      () =>
        ({ prompt }: { readonly prompt: readonly { role: string; content: unknown }[] }) => {
          const sent = prompt.filter(({ role }) => role !== 'system')
          return `${sent.length}: ${JSON.stringify(sent)}`
        },
    ),
  })
const echo = defineAgent<string>({
  name: 'Echo',
  run: async (task, { history }) => `${history.map(({ from, text }) => `${from}=${text}`).join('|')}|${task}`,
})
const upper = defineAgent<string>({ name: 'Upper', run: async (text) => text.toUpperCase() })
const pair = patterns.pipeline({ stages: [{ agents: [echo] }, { agents: [upper] }] })

describe.each(storages)('threads of runs on %s', (_, storageOf) => {
  const opened = async (more: Partial<TroupeConfig> = {}) => {
    const clerk = new LlmAgent({ name: 'Clerk', model: counting() })
    const encryption = { keys: [{ id: 'one', key: 'ab'.repeat(32) }] }
    const agents = [clerk, echo, upper]
    const troupe = await openTroupe({
      ...{ storage: storageOf(), agents, teams: { pair }, encryption },
      ...more,
    })
    return { troupe, clerk, ada: troupe.user('ada') }
  }

  it('A run of an LlmAgent and a session with one threadId continue the same messages.', async () => {
    const { ada, clerk } = await opened()
    const { orchestra } = ada
    expect((await orchestra.run({ task: 'one', agent: 'Clerk', threadId: 't' })).response).toMatch(/^1: .*one/)
    const session = ada.session(clerk, { threadId: 't' })
    expect(await session.chat('two')).toMatch(/^3: .*two/)
    expect((await orchestra.run({ task: 'three', agent: 'Clerk', threadId: 't' })).response).toMatch(/^5: .*three/)
    expect((await orchestra.run({ task: 'other', agent: 'Clerk', threadId: 'u' })).response).toMatch(/^1: /)
    const { messages, runs, ...thread } = await orchestra.thread('t')
    expect(thread).toMatchObject({ threadId: 't', agent: 'Clerk', title: 'one', turns: 3 })
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user', 'assistant'])
    const [first, third] = runs.map(({ id }) => id)
    expect(messages.map(({ run }) => run)).toEqual([first, first, undefined, undefined, third, third])
    expect((await orchestra.list({ threadId: 't' })).items.map(({ id }) => id)).toEqual([third, first])
    await session.forget()
    await expect(orchestra.thread('t')).rejects.toMatchObject({ code: 'thread.unknown' })
    expect((await orchestra.run({ task: 'again', agent: 'Clerk', threadId: 't' })).response).toMatch(/^1: /)
  })

  it('A run of a function agent gets the messages before it as history, in a session too.', async () => {
    const { ada } = await opened()
    const { orchestra } = ada
    expect((await orchestra.run({ task: 'a', agent: 'Echo', threadId: 't' })).response).toBe('|a')
    expect(await ada.session(echo, { threadId: 't' }).chat('b')).toBe('user=a|Echo=|a|b')
    expect((await orchestra.run({ task: 'c', agent: 'Echo', threadId: 't' })).response).toBe(
      'user=a|Echo=|a|user=b|Echo=user=a|Echo=|a|b|c',
    )
  })

  it('A pool of LlmAgents has one thread in runs and sessions.', async () => {
    const pool = new AgentPool({ name: 'Pool', agent: new LlmAgent({ name: 'Clerk', model: counting() }) })
    const { ada } = await opened()
    expect((await ada.orchestra.run({ task: 'a', agent: pool, threadId: 't' })).response).toMatch(/^1: /)
    expect(await ada.session(pool, { threadId: 't' }).chat('b')).toMatch(/^3: /)
    expect((await ada.orchestra.thread('t')).messages).toHaveLength(4)
  })

  it('A team gets the messages of its thread, and its end appends the task and the response.', async () => {
    const { ada } = await opened()
    const { orchestra } = ada
    const first = await orchestra.run({ id: 'first', task: 'hi', team: 'pair', threadId: 't' })
    expect(first.response).toBe('|HI')
    expect((await orchestra.run({ id: 'second', task: 'so', team: 'pair', threadId: 't' })).response).toBe(
      'USER=HI|PAIR=|HI|SO',
    )
    const { messages, ...thread } = await orchestra.thread('t')
    expect(thread).toMatchObject({ team: 'pair', title: 'hi', turns: 2 })
    expect(messages.map(({ role, text, run }) => [role, text, run])).toEqual([
      ['user', 'hi', 'first'],
      ['assistant', '|HI', 'first'],
      ['user', 'so', 'second'],
      ['assistant', 'USER=HI|PAIR=|HI|SO', 'second'],
    ])
    // A replay and a fork read what was recorded, and the fork appends nothing.
    expect((await orchestra.verifyReplay('first')).identical).toBe(true)
    expect((await orchestra.verifyReplay('second')).identical).toBe(true)
    const fork = await orchestra.fork('second', { at: 1 })
    expect((await fork.result()).response).toBe('USER=HI|PAIR=|HI|SO')
    expect((await orchestra.compare('second', fork.id)).identical).toBe(true)
    expect((await orchestra.thread('t')).messages).toHaveLength(4)
    const exported = JSON.stringify(await orchestra.export('second', { redact: 'content' }))
    expect(exported).not.toContain('|HI')
    expect(openExport(exported).verifyReplay().identical).toBe(true)
  })

  it('A fork of a run in the thread of an LlmAgent reads the messages before the run, and no later ones.', async () => {
    const { ada } = await opened()
    const { orchestra } = ada
    await orchestra.run({ task: 'one', agent: 'Clerk', threadId: 't' })
    const run = await orchestra.start({ task: 'two', agent: 'Clerk', threadId: 't' })
    expect((await run.result()).response).toMatch(/^3: .*two/)
    await orchestra.run({ task: 'three', agent: 'Clerk', threadId: 't' })
    const fork = await orchestra.fork(run.id, { at: 1 })
    expect((await fork.result()).response).toMatch(/^3: .*two/)
    expect((await orchestra.thread('t')).messages).toHaveLength(6)
    expect((await orchestra.prompts(run.id, '1#1'))[0]?.prompt).toHaveLength(3)
    const { runs } = await orchestra.evaluate({ runs: [run.id], change: {}, score: 'exact' })
    expect(runs).toMatchObject([{ status: 'scored' }])
    expect(String(runs[0]?.response)).toContain('What was said before')
  })

  it('A thread in use rejects a second run and a session, until the first has ended.', async () => {
    const asking = defineAgent<string>({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Go?' })) })
    const { ada } = await opened({ agents: [asking] })
    const { orchestra } = ada
    const spec = { task: 'a', agent: 'Asker', threadId: 't' } as const
    const waiting = await orchestra.start({ ...spec, id: 'first' })
    const busy = { code: 'thread.busy', message: 'The thread t is in use by the run first.' }
    await expect(orchestra.start(spec)).rejects.toMatchObject(busy)
    await expect(ada.session(asking, { threadId: 't' }).chat('b')).rejects.toMatchObject(busy)
    await expect(ada.session(asking, { threadId: 't' }).forget()).rejects.toMatchObject(busy)
    expect((await orchestra.threads()).items).toMatchObject([{ threadId: 't', run: 'first' }])
    // The same start again is the same run.
    expect((await orchestra.start({ ...spec, id: 'first' })).id).toBe('first')
    await expect(orchestra.start({ ...spec, id: 'first', threadId: 'u' })).rejects.toMatchObject({
      code: 'run.repeated',
    })
    const { questions } = await waiting.result()
    await waiting.answer(questions[0]?.id ?? '', 'yes')
    expect(await waiting.output()).toBe('yes')
    const next = await orchestra.start({ ...spec, id: 'next' })
    await next.cancel()
    await next.result()
    expect((await orchestra.threads()).items).toMatchObject([{ threadId: 't', turns: 2 }])
    expect((await orchestra.threads()).items[0]).not.toHaveProperty('run')
    const both = await Promise.allSettled([orchestra.start(spec), orchestra.start(spec)])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('A team whose run fails leaves the task in the thread, and the thread is free.', async () => {
    const bad = defineAgent<string>({
      name: 'Bad',
      run: (task) => {
        if (task === 'fail') throw new TypeError('no luck')
        return task
      },
    })
    const badTeam = patterns.pipeline({ stages: [{ agents: [bad] }, { agents: [upper] }] })
    const { ada } = await opened({ teams: { badTeam } })
    const { orchestra } = ada
    expect((await orchestra.run({ task: 'fail', team: 'badTeam', threadId: 't' })).status).toBe('failed')
    expect((await orchestra.run({ task: 'fine', team: 'badTeam', threadId: 't' })).response).toBe('FINE')
    const { messages } = await orchestra.thread('t')
    expect(messages.map(({ text }) => text)).toEqual(['fail', 'fine', 'FINE'])
  })

  it('The labels of the messages follow into the next run of a thread.', async () => {
    const { ada } = await opened()
    const { orchestra } = ada
    for (const reference of [{ agent: 'Clerk' }, { team: 'pair' }, { agent: 'Echo' }] as const) {
      const threadId = JSON.stringify(reference)
      const tainted = { task: 'mail', taint: ['untrusted:mail'], threadId, ...reference } as const
      expect((await orchestra.run(tainted)).taint).toEqual(['untrusted:mail'])
      expect((await orchestra.run({ task: 'clean', threadId, ...reference })).taint).toEqual(['untrusted:mail'])
      const { messages } = await orchestra.thread(threadId)
      expect(messages.map(({ taint }) => taint)).toEqual(Array.from({ length: 4 }, () => ['untrusted:mail']))
    }
    expect((await orchestra.run({ task: 'clean', agent: 'Clerk', threadId: 'other' })).taint).toBeUndefined()
  })

  it('A user sees no thread of another user, and the erasure of a user removes the threads.', async () => {
    const { troupe, ada } = await opened()
    await ada.orchestra.run({ task: 'secret', agent: 'Clerk', threadId: 't' })
    await ada.orchestra.run({ task: 'secret', team: 'pair', threadId: 't' })
    const eve = troupe.user('eve').orchestra
    expect((await eve.threads()).items).toEqual([])
    await expect(eve.thread('t')).rejects.toMatchObject({ code: 'thread.unknown' })
    expect((await eve.run({ task: 'mine', agent: 'Clerk', threadId: 't' })).response).toMatch(/^1: /)
    await troupe.forget('ada')
    await expect(ada.orchestra.thread('t')).rejects.toMatchObject({ code: 'user.forgotten' })
    expect((await eve.thread('t')).messages).toHaveLength(2)
  })

  it('Threads are listed in pages, the newest message first, one for each agent or team.', async () => {
    const { ada } = await opened()
    const { orchestra } = ada
    for (const threadId of ['a', 'b', 'c']) await orchestra.run({ task: threadId, agent: 'Echo', threadId })
    await orchestra.run({ task: 'again', team: 'pair', threadId: 'a' })
    const listed: unknown[] = []
    for await (const { threadId, agent, team } of await orchestra.threads({ limit: 1 }))
      listed.push([threadId, agent ?? team])
    expect(listed).toEqual([
      ['a', 'pair'],
      ['c', 'Echo'],
      ['b', 'Echo'],
      ['a', 'Echo'],
    ])
    expect((await orchestra.thread('a')).team).toBe('pair')
    expect((await orchestra.thread('a', { name: 'Echo' })).messages).toHaveLength(2)
    await expect(orchestra.thread('a', { name: 'Clerk' })).rejects.toMatchObject({ code: 'thread.unknown' })
    await expect(orchestra.threads({ cursor: 'x' })).rejects.toMatchObject({ code: 'cursor.invalid' })
    const topology = patterns.pipeline({ stages: [{ agents: [upper] }, { agents: [echo] }] })
    await expect(orchestra.start({ task: 'x', topology, threadId: 'd' })).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })
})
