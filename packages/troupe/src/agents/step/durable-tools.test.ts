import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../core/index.ts'
import { defineTool } from '../../tools/index.ts'
import type { StepContext } from '../agent-port.ts'
import { call, mockAgent, openSessionTestbed, promptOf } from '../session/session-testbed.test.fixture.ts'

describe('the body of a tool', () => {
  it('The body of a durable tool is executed again after it waited, and its effects are done once.', async () => {
    const { session } = await openSessionTestbed('memory:', { continuations: 0 })
    let executions = 0
    let charged = 0
    const durableTool = defineTool({
      name: 'act',
      description: 'Acts.',
      inputSchema: z.object({ q: z.string() }),
      durable: true,
      execute: async ({ q }, { ctx }) => {
        executions++
        await ctx.effect('charge', { class: 'at-most-once', input: q }, () => ++charged)
        const colour = await ctx.ask({ kind: 'choice', text: 'Which colour?', options: ['red', 'blue'] })
        return `${q} in ${colour}`
      },
    })
    const { agent, model } = mockAgent([call('paint'), 'done'], { tools: [durableTool] })
    const one = session(agent)
    const { questions = [] } = await one.generate('go')
    await expect(one.answer(questions[0]?.id ?? '', 'green')).rejects.toMatchObject({ name: 'ValidationError' })
    expect(await one.answer(questions[0]?.id ?? '', 'red')).toMatchObject({ text: 'done' })
    expect(promptOf(model, 1)).toMatch(/paint in red/)
    expect(charged).toBe(1)
    expect(executions).toBe(2)
  })

  it('The timeout of a durable tool bounds its work, its effects included, but not its wait for a person.', async () => {
    const { session } = await openSessionTestbed()
    const hang = () => new Promise(() => {})
    const durableTool = (execute: (ctx: StepContext, signal: AbortSignal) => unknown) =>
      defineTool({
        name: 'act',
        description: 'Acts.',
        inputSchema: z.object({ q: z.string() }),
        durable: true,
        timeout: '60ms',
        execute: (_, { ctx, signal }) => execute(ctx, signal),
      })
    let reason: unknown
    const hangs = mockAgent([call(), 'gave up'], {
      tools: [
        durableTool((_, signal) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason
          })
          return hang()
        }),
      ],
    })
    expect(await session(hangs.agent, 'hangs').chat('go')).toBe('gave up')
    expect(promptOf(hangs.model, 1)).toMatch(/act took longer than its tool timeout of 60ms/)
    expect(reason).toMatchObject({ name: 'TimeoutError' })
    const within = mockAgent([call(), 'gave up'], {
      tools: [durableTool((ctx) => ctx.effect('e', { class: 'idempotent' }, hang))],
    })
    expect(await session(within.agent, 'effect').chat('go')).toBe('gave up')
    const waits = mockAgent([call(), 'done'], { tools: [durableTool((ctx) => ctx.ask({ text: 'Ready?' }))] })
    const one = session(waits.agent, 'waits')
    const { questions = [] } = await one.generate('go')
    await new Promise<void>((resolve) => void systemClock.after(100, resolve))
    expect(await one.answer(questions[0]?.id ?? '', 'yes')).toMatchObject({ text: 'done' })
    expect(promptOf(waits.model, 1)).toMatch(/yes/)
  })
})
