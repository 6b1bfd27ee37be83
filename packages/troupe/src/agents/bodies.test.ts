import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../core/index.ts'
import { defineTool } from '../tools/index.ts'
import type { StepContext } from './agent-port.ts'
import { actor, call, house, said } from './house.test.fixture.ts'

describe('the body of a tool', () => {
  it('is entered again after it waited, its effects done once', async () => {
    const { session } = await house('memory:', { continuations: 0 })
    let entered = 0
    let charged = 0
    const body = defineTool({
      name: 'act',
      description: 'Acts.',
      inputSchema: z.object({ q: z.string() }),
      body: true,
      execute: async ({ q }, { ctx }) => {
        entered++
        await ctx.effect('charge', { class: 'once', input: q }, () => ++charged)
        const colour = await ctx.ask({ kind: 'choice', text: 'Which colour?', options: ['red', 'blue'] })
        return `${q} in ${colour}`
      },
    })
    const { agent, model } = actor([call('paint'), 'done'], { tools: [body] })
    const one = session(agent)
    const { questions = [] } = await one.generate('go')
    await expect(one.answer(questions[0]?.id ?? '', 'green')).rejects.toMatchObject({ name: 'ValidationError' })
    expect(await one.answer(questions[0]?.id ?? '', 'red')).toMatchObject({ text: 'done' })
    expect(said(model, 1)).toMatch(/paint in red/)
    expect(charged).toBe(1)
    expect(entered).toBe(2)
  })

  it('is bounded in what it works, its effects included, and not in what it waits for a person', async () => {
    const { session } = await house()
    const hang = () => new Promise(() => {})
    const body = (execute: (ctx: StepContext, signal: AbortSignal) => unknown) =>
      defineTool({
        name: 'act',
        description: 'Acts.',
        inputSchema: z.object({ q: z.string() }),
        body: true,
        timeout: '60ms',
        execute: (_, { ctx, signal }) => execute(ctx, signal),
      })
    let told: unknown
    const hangs = actor([call(), 'gave up'], {
      tools: [
        body((_, signal) => {
          signal.addEventListener('abort', () => {
            told = signal.reason
          })
          return hang()
        }),
      ],
    })
    expect(await session(hangs.agent, 'hangs').chat('go')).toBe('gave up')
    expect(said(hangs.model, 1)).toMatch(/act took longer than its tool timeout of 60ms/)
    expect(told).toMatchObject({ name: 'TimeoutError' })
    const within = actor([call(), 'gave up'], {
      tools: [body((ctx) => ctx.effect('e', { class: 'idempotent' }, hang))],
    })
    expect(await session(within.agent, 'effect').chat('go')).toBe('gave up')
    const waits = actor([call(), 'done'], { tools: [body((ctx) => ctx.ask({ text: 'Ready?' }))] })
    const one = session(waits.agent, 'waits')
    const { questions = [] } = await one.generate('go')
    await new Promise<void>((resolve) => void systemClock.after(100, resolve))
    expect(await one.answer(questions[0]?.id ?? '', 'yes')).toMatchObject({ text: 'done' })
    expect(said(waits.model, 1)).toMatch(/yes/)
  })
})
