import { afterEach, describe, expect, it } from 'vitest'
import { type Agent, createTroupe, defineAgent, finish, type Run, type RunEvent, type Troupe } from '../../index.ts'

const open: Troupe[] = []
const opened = async (): Promise<Troupe> => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})

const line = (...agents: readonly Agent[]) => ({
  agents: [...agents],
  flows: [...agents.slice(1).map((agent, i) => `${agents[i]?.name} -> ${agent.name}`), `${agents.at(-1)?.name} -> End`],
})
const asker = defineAgent({
  name: 'Asker',
  run: async (_, ctx) => {
    const first = await ctx.ask({ text: 'Which row?' })
    return finish(`${first} ${await ctx.ask({ text: 'Which seat?' })}`)
  },
})
const untilWaiting = async (run: Run, from = 0): Promise<RunEvent[]> => {
  const events: RunEvent[] = []
  for await (const event of run.events({ from, untilWaiting: true })) events.push(event)
  return events
}
const waitsIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'run.waiting' ? [[event.reason, ...event.questions]] : []))

describe('run.events({ untilWaiting: true })', () => {
  it('run.events({ untilWaiting: true }) ends after run.waiting, continues after an answer, and ends with the run.', async () => {
    const { orchestra } = (await opened()).user('ada')
    const run = await orchestra.start({ task: 't', topology: line(asker) })
    const first = await untilWaiting(run)
    const [row] = (await run.result()).questions
    expect(first.at(-1)).toMatchObject({ type: 'run.waiting', reason: 'question', questions: [row?.id] })
    await run.answer(row?.id ?? '', '4')
    const second = await untilWaiting(run, first.at(-1)?.seq)
    const [seat] = (await run.result()).questions
    expect(second.at(-1)).toMatchObject({ type: 'run.waiting', reason: 'question', questions: [seat?.id] })
    expect(second[0]?.seq).toBe((first.at(-1)?.seq ?? 0) + 1)
    expect(waitsIn(await untilWaiting(run))).toEqual([
      ['question', row?.id],
      ['question', seat?.id],
    ])
    await run.answer(seat?.id ?? '', '12')
    expect((await untilWaiting(run, second.at(-1)?.seq)).at(-1)).toMatchObject({ type: 'run.completed', value: '4 12' })
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('run.events({ untilWaiting: true }) ends at once where the run still waits after the event named by `from`.', async () => {
    const run = await (await opened()).user('ada').orchestra.start({ task: 't', topology: line(asker) })
    const events = await untilWaiting(run)
    expect(await untilWaiting(run, events.at(-1)?.seq)).toEqual([])
  })

  it('run.events({ untilWaiting: true }) ends when a paused run has finished its step in progress.', async () => {
    const gate = Promise.withResolvers<string>()
    const spinner = defineAgent({ name: 'Spinner', run: () => gate.promise })
    const weaver = defineAgent({ name: 'Weaver', run: async (input) => `cloth of ${String(input)}` })
    const run = await (await opened()).user('ada').orchestra.start({ task: 't', topology: line(spinner, weaver) })
    await run.pause()
    const seen = untilWaiting(run)
    gate.resolve('thread')
    expect((await seen).at(-1)).toMatchObject({ type: 'run.waiting', reason: 'paused', questions: [] })
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'cloth of thread' })
  })

  it('run.events({ untilWaiting: true }) of a run whose child run waits ends where the child waits.', async () => {
    const parent = defineAgent({
      name: 'Parent',
      run: async (_, ctx) => (await (await ctx.startRun({ task: 'sub', topology: line(asker) })).result()).response,
    })
    const run = await (await opened()).user('ada').orchestra.start({ task: 't', topology: line(parent) })
    const last = (await untilWaiting(run)).at(-1)
    const { questions, ...result } = await run.result()
    expect(result).toMatchObject({ status: 'waiting', reason: 'question' })
    expect(questions).toMatchObject([{ text: 'Which row?' }])
    expect(last).toMatchObject({ type: 'run.waiting', reason: 'question', questions: [questions[0]?.id] })
  })

  it('run.events rejects an untilWaiting that is not a boolean.', async () => {
    const run = await (await opened()).user('ada').orchestra.start({ task: 't', topology: line(asker) })
    expect(() => run.events({ untilWaiting: 'yes' as never })).toThrow(/untilWaiting/)
  })

  it('The troupe emits run.waiting with the reason and the ids of the open questions.', async () => {
    const troupe = await opened()
    const seen: unknown[] = []
    troupe.on('run.waiting', ({ runId, reason, questions }) => seen.push([runId, reason, questions]))
    troupe.on('question.asked', ({ kind, question }) => seen.push([kind, question]))
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: line(asker) })
    const [question] = (await run.result()).questions
    expect(seen).toEqual([
      ['question', question?.id],
      [run.id, 'question', [question?.id]],
    ])
  })
})
