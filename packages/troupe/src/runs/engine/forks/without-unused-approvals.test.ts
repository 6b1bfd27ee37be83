import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, finish, LlmAgent, type Run, type RunEvent } from '../../../index.ts'
import { pipe, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()
const yes = ({ hash = '' }: { readonly hash?: string }) => ({ approve: true, hash })

/** A clerk that sends twice by a tool which needs an approval. */
function clerk(sent: unknown[], effect: 'at-most-once' | 'idempotent' | 'read' = 'at-most-once') {
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    inputSchema: z.object({ to: z.string() }),
    needsApproval: true,
    effect,
    execute: (input) => sent.push(input),
  })
  const model = new MockModel({
    responses: [
      { toolCalls: [{ name: 'send', args: { to: 'bob' } }] },
      { toolCalls: [{ name: 'send', args: { to: 'carol' } }] },
      'done',
      'done',
      'done',
    ],
  })
  return new LlmAgent({ name: 'Clerk', model, tools: { send } })
}

const eventsOf = async (run: Run): Promise<readonly RunEvent[]> => {
  const events: RunEvent[] = []
  for await (const event of run.events({ untilWaiting: true })) events.push(event)
  return events
}
const approvalsOf = async (run: Run) => (await run.result()).questions.filter(({ kind }) => kind === 'approval')

describe('an approval in a fork', () => {
  it('A fork asks again for an approval whose approved call is not recorded at its event.', async () => {
    const { orchestra } = await ada()
    const sent: unknown[] = []
    const run = await orchestra.start({ task: 'go', topology: pipe(clerk(sent)) })
    const [question] = (await run.result()).questions
    if (!question) throw new Error('nobody was asked')
    await run.answer(question.id, yes(question))
    await run.result()
    expect(sent).toHaveLength(1)
    const events = await eventsOf(run)
    const answered = events.find(({ type }) => type === 'question.answered')?.seq ?? 0
    for (const { seq, type } of events.filter((event) => event.seq >= answered)) {
      const fork = await orchestra.fork(run.id, { at: seq, repeat: true })
      const hashes = (await approvalsOf(fork)).map(({ hash }) => hash)
      const recorded = (await fork.calls('1#1')).some(({ name, state }) => name === 'send' && state === 'done')
      expect([seq, type, hashes.includes(question.hash), sent.length]).toEqual([seq, type, !recorded, 1])
    }
    const early = await orchestra.fork(run.id, { at: answered, repeat: true })
    expect(await approvalsOf(early)).toMatchObject([{ hash: question.hash }])
    await early.answer(question.id, yes(question))
    await early.result()
    expect(sent).toHaveLength(2)
  })

  it('A fork rejects an edit that gives an approval, whether the question is open or answered.', async () => {
    const { orchestra } = await ada()
    const sent: unknown[] = []
    const run = await orchestra.start({ task: 'go', topology: pipe(clerk(sent)) })
    const [question] = (await run.result()).questions
    if (!question) throw new Error('nobody was asked')
    const edit = { answers: { [question.id]: yes(question) } }
    const forked = async () => {
      const rejections: unknown[] = []
      for (const { seq } of await eventsOf(run))
        rejections.push(await orchestra.fork(run.id, { at: seq, edit, repeat: true }).catch(({ code }) => code))
      return new Set(rejections)
    }
    expect(await forked()).toEqual(new Set(['validation.failed']))
    await run.answer(question.id, { approve: false, hash: question.hash ?? '' })
    await run.result()
    expect(await forked()).toEqual(new Set(['validation.failed']))
    expect(sent).toEqual([])
  })

  it('A fork takes an approval that code asked for only together with the effect that followed it.', async () => {
    const { orchestra } = await ada()
    const paid: string[] = []
    const pays = defineAgent({
      name: 'Pays',
      run: async (_, ctx) => {
        await ctx.ask({ kind: 'approval', text: 'Pay?', args: { amount: 5 } })
        await ctx.effect('pay', { class: 'at-most-once' }, () => paid.push('paid'))
        return finish(await ctx.ask({ text: 'Well?' }))
      },
    })
    const run = await orchestra.start({ task: 'go', topology: pipe(pays) })
    const [question] = (await run.result()).questions
    if (!question) throw new Error('nobody was asked')
    await run.answer(question.id, yes(question))
    const [open] = (await run.result()).questions
    if (!open) throw new Error('nobody was asked')
    const events = await eventsOf(run)
    const late = await orchestra.fork(run.id, { at: events.at(-1)?.seq ?? 0 })
    expect((await late.result()).questions).toMatchObject([{ text: 'Well?' }])
    expect(paid).toHaveLength(1)
    const at = events.find(({ type }) => type === 'question.answered')?.seq ?? 0
    await expect(orchestra.fork(run.id, { at })).rejects.toMatchObject({ code: 'effect.repeated' })
    const early = await orchestra.fork(run.id, { at, repeat: true })
    expect(await approvalsOf(early)).toHaveLength(1)
    expect(paid).toHaveLength(1)
  })
})

describe('an approval in a retry', () => {
  const failing = (paid: string[], effect: 'at-most-once' | 'idempotent') => {
    let failures = 1
    return defineAgent({
      name: 'Pays',
      run: async (_, ctx) => {
        await ctx.ask({ kind: 'approval', text: 'Pay?', args: { amount: 5 } })
        await ctx.effect('pay', { class: effect }, () => {
          if (failures-- > 0) throw new Error('no connection')
          return paid.push('paid')
        })
        return finish('done')
      },
    })
  }
  it.each([
    ['at-most-once', 'waiting', 0],
    ['idempotent', 'completed', 1],
  ] as const)('An approval of an effect of class %s leaves the retry %s.', async (effect, status, times) => {
    const { orchestra } = await ada()
    const paid: string[] = []
    const run = await orchestra.start({ task: 'go', topology: pipe(failing(paid, effect)) })
    const [question] = (await run.result()).questions
    if (!question) throw new Error('nobody was asked')
    await run.answer(question.id, yes(question))
    expect((await run.result()).status).toBe('failed')
    const retried = await run.retry()
    expect([(await retried.result()).status, paid.length]).toEqual([status, times])
    for (const asked of await approvalsOf(retried)) await retried.answer(asked.id, yes(asked))
    expect([(await retried.result()).status, paid.length]).toEqual(['completed', 1])
  })
})
