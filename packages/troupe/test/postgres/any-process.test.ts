/** Any process on the database answers for any run: one that another carries on, one that nobody does, one of the dead. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent, finish, type Run, type Troupe, type TroupeConfig } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('any')
const storage = { url: server, schema } as const
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const asking = defineAgent({
  name: 'Asks',
  run: async (_, ctx) => finish(await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })),
})
const topology = { agents: [asking], flows: ['Asks -> End'] }

describe.skipIf(missing !== undefined)('commands from any process', () => {
  const opened: Troupe[] = []
  const open = async (options: Partial<TroupeConfig> = {}) => {
    const troupe = await createTroupe({ storage, lease: '1s', log: 'silent', ...options })
    opened.push(troupe)
    return troupe
  }
  const runOf = (troupe: Troupe, id: string, user = 'ada') => troupe.user(user).orchestra.get(id)
  const holderOf = (id: string) =>
    withClient(async (client) => {
      const { rows } = await client.query(`select owner from ${schema}.work where journal_id = 'run:' || $1`, [id])
      return rows[0]?.owner as string | undefined
    })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((troupe) => troupe.close()))
  })
  afterAll(() => dropSchema(schema))

  test('A run is paused, resumed and cancelled from any process, and its cleanup is awaited.', async () => {
    const did: string[] = []
    const slow = defineAgent({
      name: 'Slow',
      run: async (_, ctx) => {
        try {
          await ctx.effect('wait', { class: 'read' }, ({ signal }) => abortable(signal, 60_000))
        } finally {
          await pause(300)
          did.push('cleaned up')
        }
        return 'late'
      },
    })
    const first = defineAgent({ name: 'First', run: () => pause(300).then(() => 'first') })
    const [here, there] = [await open({ agents: [first, slow] }), await open()]
    const team = { agents: [first, slow], flows: ['First -> Slow'] }
    const run = await here.user('ada').orchestra.start({ task: 'x', topology: team })
    const far = await runOf(there, run.id)
    await far.pause()
    expect(await far.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    await far.resume()
    expect((await far.status()).status).toBe('running')
    await pause(300)
    await far.cancel()
    expect(did).toEqual(['cleaned up'])
    expect((await far.status()).status).toBe('cancelled')
    await expect(far.cancel()).rejects.toMatchObject({ code: 'run.over' })
    await expect((await runOf(there, run.id)).pause()).rejects.toMatchObject({ code: 'run.over' })
  })

  test('A run that is started again by its id in another process is the existing run.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open({ agents: [asking] })]
    const spec = { id: 'one-order', task: 'x', topology }
    const both = await Promise.all([here, there].map((troupe) => troupe.user('ada').orchestra.start(spec)))
    const id = (await both[0]?.result())?.questions[0]?.id ?? ''
    await both[1]?.answer(id, 'red')
    expect((await (await there.user('ada').orchestra.start(spec)).result()).response).toBe('red')
  })

  test('A rejected command returns its typed error to the calling process.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const far = await runOf(there, run.id)
    const [question] = (await far.result()).questions
    const id = question?.id ?? ''
    await expect(far.answer(id, 'green')).rejects.toMatchObject({ name: 'ValidationError', status: 400 })
    await expect(far.answer('nothing', 'red')).rejects.toMatchObject({
      name: 'ConflictError',
      code: 'question.unknown',
    })
    await expect(runOf(there, 'no such run')).rejects.toMatchObject({ code: 'run.unknown' })
    await far.answer(id, 'red')
    await expect(far.answer(id, 'blue')).rejects.toMatchObject({ name: 'ConflictError' })
    expect((await far.result()).response).toBe('red')
  })

  test('A waiting run has no owner, and an answer makes a process with its code resume it.', async () => {
    const [here, other, there] = [await open({ agents: [asking] }), await open({ agents: [asking] }), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const far = await runOf(there, run.id)
    const [question] = (await far.result()).questions
    await expect.poll(() => holderOf(run.id)).toBe('')
    await here.close()
    await far.answer(question?.id ?? '', 'blue')
    expect((await (await runOf(other, run.id)).result()).response).toBe('blue')
  })

  test('A waiting run has no owner while a process awaits its output, which an answer resolves.', async () => {
    const here = await open({ agents: [asking] })
    const claimed: unknown[] = []
    here.on('run.claimed', ({ runId }) => claimed.push(runId))
    const { orchestra } = here.user('ada')
    const run = await orchestra.start({ task: 'x', topology })
    const [question] = (await run.result()).questions
    const output = run.output()
    // The first run would be claimed between the releases of the others.
    for (const task of ['a', 'b', 'c']) {
      const { id } = await orchestra.start({ task, topology })
      await expect.poll(() => holderOf(id), { timeout: 10_000 }).toBe('')
    }
    expect(claimed).toEqual([])
    await run.answer(question?.id ?? '', 'blue')
    expect(await output).toBe('blue')
  })

  test('A command without any process that has the code is rejected, and leaves nothing.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const [question] = (await run.result()).questions
    await here.close()
    const far = await runOf(there, run.id)
    await expect(far.answer(question?.id ?? '', 'red')).rejects.toMatchObject({ code: 'run.agents_missing' })
    const reloaded = await runOf(await open({ agents: [asking] }), run.id)
    await pause(300)
    expect(await reloaded.result()).toMatchObject({ status: 'waiting', reason: 'question' })
    await reloaded.answer(question?.id ?? '', 'blue')
    expect((await far.result()).response).toBe('blue')
  })

  test('A command waits longer for a process with the code if other processes share the database.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open(), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const far = await runOf(there, run.id)
    const [question] = (await far.result()).questions
    await here.close()
    const answered = far.answer(question?.id ?? '', 'blue').catch((error: unknown) => error)
    await pause(4_500)
    await open({ agents: [asking] })
    expect(await answered).toBe(undefined)
    expect((await far.result()).response).toBe('blue')
  })

  test('A command that is repeated with its id is done once, and answered alike.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const far = await runOf(there, run.id)
    const id = (await far.result()).questions[0]?.id ?? ''
    await expect(far.answer(id, 'green', { id: 'one' })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(run.answer(id, 'green', { id: 'one' })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(run.answer(id, 'red', { id: 'one' })).rejects.toMatchObject({ code: 'command.repeated' })
    await Promise.all([far.answer(id, 'red', { id: 'two' }), run.answer(id, 'red', { id: 'two' })])
    expect((await run.result()).response).toBe('red')
    await far.answer(id, 'red', { id: 'two' })
  })

  test('A command that no process has claimed is withdrawn by its signal.', async () => {
    const [here, there] = [await open({ agents: [asking] }), await open()]
    const run = await here.user('ada').orchestra.start({ task: 'x', topology })
    const id = (await run.result()).questions[0]?.id ?? ''
    await here.close()
    const far = await runOf(there, run.id)
    const signal = AbortSignal.timeout(500)
    await expect(far.answer(id, 'red', { signal })).rejects.toMatchObject({ code: 'cancelled' })
    const reloaded = await runOf(await open({ agents: [asking] }), run.id)
    expect(await reloaded.result()).toMatchObject({ status: 'waiting' })
    await reloaded.answer(id, 'blue')
    expect((await reloaded.result()).response).toBe('blue')
  })

  test('The live parts of a run are received in another process that follows it.', async () => {
    const talks = defineAgent({
      name: 'Talks',
      run: async (_, ctx) => {
        for (let n = 0; n < 40; n++) await ctx.effect(`say ${n}`, { class: 'read' }, () => pause(50))
        return 'said'
      },
    })
    const { LlmAgent } = await import('../../src/index.ts')
    const { MockModel } = await import('../../src/testing/index.ts')
    const model = new MockModel({ responses: [{ text: 'one two three four five six', latency: '800ms' }] })
    const speaker = new LlmAgent({ name: 'Speaker', instructions: 'Speak.', model })
    const [here, there] = [await open({ agents: [talks, speaker] }), await open()]
    const team = { agents: [talks, speaker], flows: ['Talks -> Speaker'] }
    const run = await here.user('ada').orchestra.start({ task: 'x', topology: team })
    const received: string[] = []
    for await (const { agent } of (await runOf(there, run.id)).live()) received.push(agent)
    expect(received.length).toBeGreaterThan(0)
    expect(new Set(received)).toEqual(new Set(['Speaker']))
  })

  test('A build claims no run whose journal it cannot read, and says so.', async () => {
    const done = defineAgent({ name: 'Done', run: async () => finish('done') })
    const stays = defineAgent({ name: 'Done', run: () => pause(60_000) })
    const start = async (troupe: Troupe, id: string) =>
      troupe.user('ada').orchestra.start({ id, task: 'x', topology: { agents: [stays], flows: ['Done -> End'] } })
    const [newer, here] = [await open({ agents: [stays] }), await open({ agents: [done] })]
    await Promise.all([start(newer, 'readable'), start(newer, 'newer')])
    await withClient((client) => client.query(`update ${schema}.work set form = 99 where journal_id = 'run:newer'`))
    await newer.close()
    expect((await (await runOf(here, 'readable')).result()).response).toBe('done')
    const run: Run = await runOf(here, 'newer')
    await expect(run.cancel()).rejects.toMatchObject({ code: 'journal.newer' })
    const owner = await holderOf('newer')
    await pause(2_500)
    expect(await holderOf('newer')).toBe(owner)
    expect((await run.status()).status).toBe('running')
  })
})

const abortable = (signal: AbortSignal, ms: number) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
