import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, LlmAgent } from '../../index.ts'
import { pipe, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()

/** An agent that books by tools, one of them a body, and pays by its own code afterwards. */
function trip(done: string[], mayUndo: (what: string) => boolean = () => true) {
  const undoes = (what: string) => async () => {
    if (!mayUndo(what)) throw new Error(`${what} is locked`)
    done.push(`undo ${what}`)
  }
  const inputSchema = z.object({})
  const book = defineTool({
    name: 'book',
    description: 'Books.',
    inputSchema,
    effect: 'at-most-once',
    execute: async () => done.push('book'),
    undo: undoes('book'),
  })
  const mail = defineTool({
    name: 'mail',
    description: 'Mails.',
    inputSchema,
    effect: 'at-most-once',
    execute: async () => done.push('mail'),
  })
  const rent = defineTool({
    name: 'rent',
    description: 'Rents.',
    inputSchema,
    durable: true,
    execute: async (_, { ctx }) =>
      ctx.effect('car', { class: 'at-most-once', undo: undoes('car') }, () => done.push('car')),
  })
  const model = new MockModel({
    responses: [
      { toolCalls: [{ name: 'book' }] },
      { toolCalls: [{ name: 'rent' }] },
      { toolCalls: [{ name: 'mail' }] },
      'booked',
    ],
  })
  const books = new LlmAgent({ name: 'Books', model, tools: { book, mail, rent } })
  const pays = defineAgent({
    name: 'Pays',
    run: async (input, ctx) => {
      await ctx.effect('pay', { class: 'at-most-once', undo: undoes('pay') }, () => done.push('pay'))
      return input
    },
  })
  return pipe(books, pays)
}

describe('undoing a run', () => {
  it('An undo reverts the effects of the steps, the last first, in durable tools too, and each once.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    const run = await orchestra.start({ task: 'go', topology: trip(done) })
    await run.result()
    expect(done).toEqual(['book', 'car', 'mail', 'pay'])
    const shown = async (options = {}) =>
      (await orchestra.undo(run.id, options)).map(
        ({ agent, effect, status }) => `${agent} ${effect.split(' ')[0]} ${status}`,
      )
    expect(await shown({ steps: ['1#2'] })).toEqual(['Pays pay undone'])
    expect(await shown()).toEqual(['Pays pay already', 'Books mail none', 'Books car undone', 'Books book undone'])
    expect(done.slice(4)).toEqual(['undo pay', 'undo car', 'undo book'])
    expect(await shown()).toEqual(['Pays pay already', 'Books mail none', 'Books car already', 'Books book already'])
    expect(done).toHaveLength(7)
    await expect(orchestra.undo(run.id, { steps: ['1#9'] })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(orchestra.undo(run.id, { step: '1#1' } as never)).rejects.toMatchObject({ code: 'option.unknown' })
  })

  it('An undo stops at an effect that cannot be reverted, names what is left, and continues there at the next call.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    let locked = 'pay'
    const run = await orchestra.start({ task: 'go', topology: trip(done, (what) => what !== locked) })
    await run.result()
    const shown = async () =>
      (await orchestra.undo(run.id)).map(({ effect, status }) => `${effect.split(' ')[0]} ${status}`)
    expect(await shown()).toEqual(['pay failed', 'mail skipped', 'car skipped', 'book skipped'])
    locked = 'car'
    expect(await shown()).toEqual(['pay undone', 'mail none', 'car failed', 'book skipped'])
    locked = ''
    expect(await shown()).toEqual(['pay already', 'mail none', 'car undone', 'book undone'])
  })

  it('An undo with `plan` lists what an undo would do, calls no undo function and records no undo.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    const run = await orchestra.start({ task: 'go', topology: trip(done, (what) => what !== 'car') })
    await run.result()
    const carriedOut = [...done]
    const shown = async (plan: boolean) =>
      (await orchestra.undo(run.id, { plan })).map(({ effect, status }) => `${effect.split(' ')[0]} ${status}`)
    const planned = ['pay planned', 'mail none', 'car planned', 'book planned']
    expect(await shown(true)).toEqual(planned)
    expect(await shown(true)).toEqual(planned)
    expect(done).toEqual(carriedOut)
    expect(await shown(false)).toEqual(['pay undone', 'mail none', 'car failed', 'book skipped'])
    expect(await shown(true)).toEqual(['pay already', 'mail none', 'car planned', 'book planned'])
    await expect(orchestra.undo(run.id, { plan: 'yes' } as never)).rejects.toThrow('it must be true or false')
  })

  it('An undo is rejected while the run is open, and reverts the effects of a cancelled step.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    const asks = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once', undo: async () => void done.push('undo pay') }, () =>
          done.push('pay'),
        )
        return ctx.ask({ text: 'Well?' })
      },
    })
    const run = await orchestra.start({ task: 'go', topology: pipe(asks) })
    await run.result()
    await expect(orchestra.undo(run.id)).rejects.toMatchObject({ code: 'run.open' })
    await run.cancel()
    expect(await orchestra.undo(run.id)).toMatchObject([{ step: '1#1', effect: 'pay', status: 'undone' }])
    expect(done).toEqual(['pay', 'undo pay'])
  })

  it('An undo reverts the effects of child runs at the place where their step started them.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    let locked = true
    const act = (what: string, isLocked = () => false) => ({
      class: 'at-most-once' as const,
      undo: async () => {
        if (isLocked()) throw new Error(`${what} is locked`)
        done.push(`undo ${what}`)
      },
    })
    const inner = defineAgent({
      name: 'Inner',
      run: (_, ctx) =>
        ctx.effect(
          'rent',
          act('rent', () => locked),
          () => done.push('rent'),
        ),
    })
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        await ctx.effect('book', act('book'), () => done.push('book'))
        await (await ctx.startRun({ task: 'sub', topology: pipe(inner) })).result()
        return ctx.effect('pay', act('pay'), () => done.push('pay'))
      },
    })
    const run = await orchestra.start({ task: 'go', topology: pipe(outer) })
    await run.result()
    const child = (await orchestra.list({ parent: run.id })).items[0]?.id
    const first = await orchestra.undo(run.id)
    expect(first.map(({ run: of, effect, status }) => [of, effect, status])).toEqual([
      [undefined, 'pay', 'undone'],
      [child, 'rent', 'failed'],
      [undefined, 'book', 'skipped'],
    ])
    locked = false
    expect((await orchestra.undo(run.id)).map(({ effect, status }) => `${effect} ${status}`)).toEqual([
      'pay already',
      'rent undone',
      'book undone',
    ])
    expect(done).toEqual(['book', 'rent', 'pay', 'undo pay', 'undo rent', 'undo book'])
  })
})

describe('undo of a retried or forked run', () => {
  const acts = (done: string[], name: string, isLame: () => boolean = () => false) =>
    defineAgent({
      name,
      run: async (_, ctx) => {
        const act = (what: string) =>
          ctx.effect(what, { class: 'at-most-once', undo: async () => void done.push(`undo ${what}`) }, () =>
            done.push(what),
          )
        await act(`${name} first`)
        if (isLame()) throw new Error('not now')
        await act(`${name} then`)
        return name
      },
    })

  it('An undo of a retried run reverts the effects of all tries, each once and the last first.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    let isLame = true
    const run = await orchestra.start({
      task: 't',
      topology: pipe(
        acts(done, 'A'),
        acts(done, 'B', () => isLame),
      ),
    })
    expect((await run.result()).status).toBe('failed')
    isLame = false
    const retried = await run.retry()
    expect(await retried.result()).toMatchObject({ status: 'completed' })
    const all = ['A first', 'A then', 'B first', 'B then']
    expect(done).toEqual(all)
    const undoResults = await orchestra.undo(retried.id)
    expect(done.slice(4)).toEqual(all.toReversed().map((what) => `undo ${what}`))
    expect(undoResults.map(({ run: of, effect, status }) => [of, effect, status])).toEqual([
      [undefined, 'B then', 'undone'],
      ...['B first', 'A then', 'A first'].map((effect) => [run.id, effect, 'undone']),
    ])
    expect((await orchestra.undo(run.id)).map(({ status }) => status)).toEqual(['already', 'already', 'already'])
    expect(done).toHaveLength(8)
  })

  it('A retry or fork that would share undone effects is rejected and names them, also after a retry and a child run.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    const child = defineAgent({
      name: 'Parent',
      run: async (input, ctx) => {
        await (await ctx.startRun({ task: 't', topology: pipe(acts(done, 'Child')) })).result()
        return input
      },
    })
    const topology = pipe(
      child,
      acts(done, 'B', () => true),
    )
    const run = await orchestra.start({ id: 'first', task: 't', topology })
    expect((await run.result()).status).toBe('failed')
    const retried = await run.retry({ id: 'second' })
    expect((await retried.result()).status).toBe('failed')
    await orchestra.undo('second')
    expect(done.slice(-3)).toEqual(['undo B first', 'undo Child then', 'undo Child first'])
    for (const { id } of [run, retried]) {
      const error = await (await orchestra.get(id)).retry().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'effect.reverted', details: { run: id } })
      for (const name of ['B first', 'Child first', 'Child then']) expect(String(error)).toContain(name)
    }
    const { status } = await (await orchestra.fork('first', { at: 1, repeat: true })).result()
    expect(status).toBe('failed')
  })

  it('A fork and its plan are rejected only if the fork would share an undone effect.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: pipe(acts([], 'A'), acts([], 'B')) })
    await run.result()
    const events = []
    for await (const event of run.events()) events.push(event)
    const at = events.find(({ type }) => type === 'step.completed')?.seq ?? 0
    expect((await orchestra.planFork(run.id, { at })).sharedSteps).toBe(1)
    await orchestra.undo(run.id)
    for (const call of [orchestra.planFork(run.id, { at }), orchestra.fork(run.id, { at, repeat: true })])
      await expect(call).rejects.toMatchObject({ code: 'effect.reverted', details: { run: run.id } })
    const started = events.find(({ type }) => type === 'step.started')?.seq ?? 0
    for (const before of [1, started]) {
      expect((await orchestra.planFork(run.id, { at: before })).sharedSteps).toBe(0)
      const fork = await orchestra.fork(run.id, { at: before, repeat: true })
      expect((await fork.result()).status).toBe('completed')
    }
  })

  it('An undo of a fork leaves shared effects to its source, and reverts the effects of the fork itself.', async () => {
    const { orchestra } = await ada()
    const done: string[] = []
    const run = await orchestra.start({ task: 't', topology: pipe(acts(done, 'A'), acts(done, 'B')) })
    await run.result()
    const events = []
    for await (const event of run.events()) events.push(event)
    const at = events.findLast(({ type }) => type === 'step.started')?.seq ?? 0
    const fork = await orchestra.fork(run.id, { at, repeat: true })
    await fork.result()
    expect(done.splice(0)).toHaveLength(6)
    expect((await orchestra.undo(fork.id)).map(({ effect, status }) => `${effect} ${status}`)).toEqual([
      'B then undone',
      'B first undone',
    ])
    await orchestra.undo(run.id)
    expect(done).toHaveLength(6)
  })
})
