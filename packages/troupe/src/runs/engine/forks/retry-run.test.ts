import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  defineAgent,
  defineMessage,
  defineTool,
  finish,
  invoke,
  LlmAgent,
  patterns,
  type Run,
  Worker,
} from '../../../index.ts'
import { pipe, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()
/** Fails until it is told not to. */
const lamed = () => {
  const state = { fails: true, calls: [] as string[] }
  const work = (name: string) => {
    state.calls.push(name)
    if (state.fails) throw new Error('not now')
    return `${name} done`
  }
  return { state, work }
}
const responseOf = async (run: Run) => {
  const { status, response, error } = await run.result()
  return status === 'completed' ? response : (error?.message ?? status)
}

describe('a retry', () => {
  it('A retry starts at the failed step, repeats no completed step, and leaves the failed run as it was.', async () => {
    const { orchestra } = await ada()
    const { state, work } = lamed()
    const first = defineAgent({
      name: 'A',
      run: async () => {
        state.calls.push('A')
        return 'a'
      },
    })
    const pays = defineAgent({
      name: 'B',
      run: async (input: string, ctx) => {
        const paid = await ctx.effect('pay', { class: 'at-most-once' }, () => state.calls.push('pay'))
        await ctx.context.push('paid', paid)
        await ctx.commit()
        return `${input} ${work('B')}`
      },
    })
    const run = await orchestra.start({ task: 't', topology: pipe(first, pays), tags: ['x'] })
    expect(await responseOf(run)).toBe('not now')
    state.fails = false
    const retried = await run.retry()
    expect(await responseOf(retried)).toBe('a B done')
    expect(state.calls).toEqual(['A', 'pay', 'B', 'B'])
    expect(await run.status()).toMatchObject({ status: 'failed' })
    expect((await orchestra.list()).items[0]).toMatchObject({ id: retried.id, tags: [`retry:${run.id}`] })
    expect(await retried.status()).toMatchObject({ tags: [`retry:${run.id}`] })
    for (const { id } of [run, retried]) expect(await orchestra.verifyReplay(id)).toMatchObject({ identical: true })
  })

  it('A retry repeats the failed effect, under the same key if the effect is idempotent.', async () => {
    const { orchestra } = await ada()
    const { state, work } = lamed()
    const keys: string[] = []
    const does = (effect: 'at-most-once' | 'idempotent') =>
      defineAgent({
        name: 'A',
        run: async (_, ctx) =>
          ctx.effect('act', { class: effect }, ({ key }) => {
            keys.push(key)
            return work(effect)
          }),
      })
    for (const effect of ['idempotent', 'at-most-once'] as const) {
      state.fails = true
      const run = await orchestra.start({ task: 't', topology: pipe(does(effect)) })
      expect(await responseOf(run)).toBe('not now')
      state.fails = false
      expect(await responseOf(await run.retry({ from: '1' }))).toBe(`${effect} done`)
    }
    expect(state.calls).toEqual(['idempotent', 'idempotent', 'at-most-once', 'at-most-once'])
    expect(keys[1]).toBe(keys[0])
  })

  it('A retry repeats no answered model call and no completed tool call.', async () => {
    const { orchestra } = await ada()
    let lookups = 0
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      inputSchema: z.object({}),
      effect: 'at-most-once',
      execute: async () => ++lookups,
    })
    const model = new MockModel({
      responses: [
        { toolCalls: [{ name: 'look', args: {} }] },
        { error: Object.assign(new Error('overloaded'), { name: 'ValidationError' }) },
        (options) => `after ${options.prompt.length} messages`,
      ],
    })
    const agent = new LlmAgent({ name: 'A', model, tools: { look }, settings: { cache: false } as never })
    const run = await orchestra.start({ task: 't', topology: pipe(agent) })
    expect((await run.result()).status).toBe('failed')
    expect(await responseOf(await run.retry())).toMatch(/^after \d messages$/)
    expect([lookups, model.calls.length]).toEqual([1, 3])
  })

  it('A retry preserves the results of sibling branches, and restarts branches that were stopped.', async () => {
    const { orchestra } = await ada()
    const { state, work } = lamed()
    const stopped = Promise.withResolvers<void>()
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: { results?: readonly { value: string }[] }) =>
        input.results
          ? finish(input.results.map(({ value }) => value))
          : invoke(['Good', 'Bad', 'Slow'].map((agent) => ({ agent, input: 1 }))),
    })
    const good = defineAgent({
      name: 'Good',
      run: async () => {
        state.calls.push('Good')
        return 'good'
      },
    })
    const slow = defineAgent({
      name: 'Slow',
      run: async (_, ctx) => {
        await ctx.effect('once', { class: 'at-most-once' }, () => state.calls.push('Slow once'))
        await ctx.commit()
        stopped.resolve()
        if (state.fails) await new Promise((_, reject) => ctx.signal.addEventListener('abort', reject))
        return 'slow'
      },
    })
    const bad = defineAgent({
      name: 'Bad',
      run: async () => {
        await stopped.promise
        return work('Bad')
      },
    })
    const run = await orchestra.start({
      task: 't',
      topology: patterns.hubAndSpoke({ hub: lead, spokes: [good, bad, slow], parallelSpokes: true }),
    })
    expect((await run.result()).status).toBe('failed')
    state.fails = false
    expect(await responseOf(await run.retry())).toEqual(['good', 'Bad done', 'slow'])
    expect(state.calls.toSorted()).toEqual(['Bad', 'Bad', 'Good', 'Slow once'])
  })

  it('A retry of a run that exhausted its budget takes another budget, in which earlier usage counts.', async () => {
    const { orchestra } = await ada()
    const usage = { inputTokens: 2_900, outputTokens: 90 }
    const writer = (name: string) =>
      new LlmAgent({
        name,
        model: new MockModel({
          responses: [
            { text: name, usage },
            { text: name, usage },
          ],
        }),
        settings: { maxOutputTokens: 30 },
      })
    const config = { budget: { tokens: 3_000 } }
    const run = await orchestra.start({ task: 't', topology: pipe(writer('A'), writer('B')), config })
    expect(await run.result()).toMatchObject({ status: 'failed', guard: { name: 'tokens' } })
    expect((await (await run.retry()).result()).guard).toMatchObject({ name: 'tokens' })
    const retried = await run.retry({ budget: { tokens: 10_000 }, id: 'again' })
    expect(await retried.result()).toMatchObject({ status: 'completed', response: 'B', usage: { inputTokens: 5_800 } })
    expect(retried.id).toBe('again')
  })

  it('A retry of a step that timed out executes that step again, and no step before it.', async () => {
    const { orchestra } = await ada()
    let [executions, slow] = [0, true]
    const a = defineAgent({
      name: 'A',
      run: async () => {
        if (++executions === 1) throw new Error('not yet')
        return 'a'
      },
    })
    const b = defineAgent({
      name: 'B',
      run: async (task: string, { signal }) => {
        if (slow) await sleep(20_000, undefined, { signal })
        return `${task} b`
      },
    })
    const retry = { attempts: 2, backoff: '1ms' } as const
    const config = { timeouts: { step: '1s' }, onError: { 'agent.failed': { retry } } } as const
    const run = await orchestra.start({ task: 't', topology: pipe(a, b), config })
    expect((await run.result()).error).toMatchObject({ code: 'timeout' })
    slow = false
    const retried = await run.retry()
    expect([await responseOf(retried), executions]).toEqual(['a b', 2])
    expect(await orchestra.verifyReplay(retried.id)).toMatchObject({ identical: true })
  })

  it('A retry repeats a failed parallel effect, and preserves the outcomes of its siblings.', async () => {
    const { orchestra } = await ada()
    const { state, work } = lamed()
    const done: string[] = []
    const late = (name: string) => async () => {
      await sleep(50)
      done.push(name)
      return name
    }
    const a = defineAgent({
      name: 'A',
      run: async (_, ctx) =>
        Promise.all([
          ctx.effect('first', { class: 'idempotent' }, () => work('first')),
          ctx.effect('second', { class: 'at-most-once' }, () => work('second')),
          ctx.effect('third', { class: 'at-most-once' }, late('third')),
          ctx.effect('fourth', { class: 'idempotent' }, late('fourth')),
        ]),
    })
    const run = await orchestra.start({ task: 't', topology: pipe(a) })
    expect(await responseOf(run)).toBe('not now')
    state.fails = false
    const retried = await run.retry()
    expect(await responseOf(retried)).toEqual(['first done', 'second done', 'third', 'fourth'])
    expect([state.calls.length, done]).toEqual([4, ['third', 'fourth']])
    expect(await orchestra.verifyReplay(retried.id)).toMatchObject({ identical: true })
  })

  it('A retry repeats unanswered requests to an agent of the run, to one outside it, and to a person.', async () => {
    const user = await ada()
    const Question = defineMessage<string, string>('question')
    let [serves, paid] = [(): Promise<string> => Promise.reject(new Error('not now')), 0]
    const oracle = defineAgent({ name: 'Oracle', run: async () => '', serve: () => serves() })
    const asker = defineAgent({
      name: 'Asker',
      run: async (to: string, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once' }, () => ++paid)
        if (to === 'person') return ctx.ask({ text: 'Which?', timeout: '2s' })
        return ctx.request(Question, '', { to, timeout: '500ms' })
      },
    })
    let hangs = true
    const clock = defineAgent({
      name: 'Clock',
      run: async (_, { signal }) => {
        if (hangs) await sleep(20_000, undefined, { signal })
      },
    })
    const topology = {
      agents: [asker, oracle, clock],
      flows: ['Start => {Asker, Clock}', 'Asker -> Oracle', 'Asker -> End', 'Clock -> End'],
      edges: { 'Asker -> Oracle': { type: 'query' } },
    } as const
    const failed = async (task: string) => {
      const run = await user.orchestra.start({ task, topology })
      expect((await run.result()).status, task).toBe('failed')
      return run
    }
    const inTime = async (run: Run) => {
      const { branchResults } = await run.result()
      expect(await user.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
      return branchResults.find(({ agent }) => agent === 'Asker')?.value
    }
    const rejected = await failed('Oracle')
    serves = () => sleep(2_000, 'late')
    const [late, unavailable, unanswered] = await Promise.all([failed('Oracle'), failed('Clerk'), failed('person')])
    serves = async () => 'within'
    hangs = false
    expect(await inTime(await rejected.retry())).toBe('within')
    expect(await inTime(await late.retry())).toBe('within')
    const clerk = new Worker('Clerk')
    clerk.on(Question, () => 'outside')
    await user.start(clerk)
    expect(await inTime(await unavailable.retry())).toBe('outside')
    const retried = await unanswered.retry()
    for await (const event of retried.events())
      if (event.type === 'question.asked') {
        await retried.answer(event.question, 'this')
        break
      }
    expect(await inTime(retried)).toBe('this')
    expect(paid).toBe(4)
  })

  it('A retry is rejected for a run that has not failed, for a step that has not failed, and for unknown options.', async () => {
    const { orchestra } = await ada()
    const { work } = lamed()
    const run = await orchestra.start({ task: 't', topology: pipe(defineAgent({ name: 'A', run: async () => 1 })) })
    await run.result()
    await expect(run.retry()).rejects.toMatchObject({ code: 'retry.rejected' })
    const failed = await orchestra.start({
      task: 't',
      topology: pipe(defineAgent({ name: 'A', run: async () => work('A') })),
    })
    await failed.result()
    await expect(failed.retry({ from: '1#7' })).rejects.toMatchObject({ code: 'retry.rejected' })
    await expect(failed.retry({ form: '1#1' } as never)).rejects.toMatchObject({ code: 'option.unknown' })
    await expect(failed.retry({ budget: { step: 1 } } as never)).rejects.toMatchObject({ code: 'option.unknown' })
  })
})
