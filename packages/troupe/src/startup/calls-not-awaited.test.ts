/** Calls of ctx that the code does not await: a step, a tool or a handler ends after them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { StepContext } from '../agents/index.ts'
import { defineAgent, defineMessage, defineTool, LlmAgent, Worker } from '../index.ts'
import { MockModel } from '../testing/index.ts'
import { createTroupe } from './create-troupe.ts'

const Note = defineMessage('note', z.string())
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Pushes and sends without `await`. */
function share({ context, messages }: Pick<StepContext, 'context' | 'messages'>): void {
  void context.push('shared', 1)
  void context.update('count', (count: unknown) => Number(count ?? 0) + 1)
  void messages.send(Note, 'done', { to: 'Reader' })
}

describe.each(['memory:', 'file'])('open calls, storage %s', (kind) => {
  const opened = () => createTroupe({ storage: kind === 'file' ? `sqlite:${join(folder, 't.db')}` : kind })
  const written = async (troupe: Awaited<ReturnType<typeof opened>>) => {
    const { context, mailbox } = troupe.user('ada').agent('Reader')
    const { items } = await mailbox.messages()
    const entries = await context.getMany(['shared', 'count'])
    return [entries.get('shared'), entries.get('count'), ...items.map(({ payload }) => payload)]
  }

  it('The step of a function agent ends after the calls of ctx that it does not await, and is replayed identically.', async () => {
    await using troupe = await opened()
    const agent = defineAgent({
      name: 'A',
      run: (_: string, ctx) => {
        share(ctx)
        return 'end'
      },
    })
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ task: 't', agent })
    expect(await run.output()).toBe('end')
    expect(await written(troupe)).toEqual([1, 1, 'done'])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A tool ends after the calls of ctx that it does not await.', async () => {
    await using troupe = await opened()
    const save = defineTool({
      name: 'save',
      description: 'Saves.',
      inputSchema: z.object({}),
      durable: true,
      execute: async (_, { ctx }) => {
        const { files } = ctx.sandbox
        const found = await files.list()
        share(ctx)
        void files.write('a.txt', 'a')
        for (const { path } of found) void files.remove(path)
        return found.length
      },
    })
    const agent = new LlmAgent({
      name: 'A',
      instructions: 'x',
      model: new MockModel({ responses: [] }),
      tools: { save },
    })
    const session = troupe.user('ada').session(agent)
    expect(await session.executeTool('save', {})).toBe(0)
    expect(await written(troupe)).toEqual([1, 1, 'done'])
    expect([await session.executeTool('save', {}), await session.executeTool('save', {})]).toEqual([1, 0])
  })

  it('A handler of messages ends after the calls of ctx that it does not await.', async () => {
    await using troupe = await opened()
    const Ask = defineMessage('ask', z.string(), { reply: z.string() })
    class Clerk extends Worker {
      constructor() {
        super('Clerk')
        this.on(Ask, (_message, ctx) => {
          share(ctx)
          return 'handled'
        })
      }
    }
    const ada = troupe.user('ada')
    await ada.start(new Clerk())
    expect(await ada.agent('Reader').messages.request(Ask, 'x', { to: 'Clerk' })).toBe('handled')
    expect(await written(troupe)).toEqual([1, 1, 'done'])
  })
})
