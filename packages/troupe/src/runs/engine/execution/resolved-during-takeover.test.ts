import { expect, it } from 'vitest'
import type { AgentContext } from '../../../agent-types.ts'
import { createVirtualClock } from '../../../core/index.ts'
import { defineAgent, finish, type Run, type RunResult, TroupeError } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'
import { eventsOf, solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()
const unknown = new TroupeError('the answer did not come', { code: 'outcome.unknown' })
const cases = [
  {
    wait: 'effect is resolved',
    ofStep: (ctx: AgentContext) => ctx.effect('pay', { class: 'at-most-once' }, () => Promise.reject(unknown)),
    decide: (run: Run, { uncertain = [] }: RunResult) =>
      run.resolve(uncertain[0] as never, { happened: true, output: 'yes' }),
    isStored: async (run: Run) => (await run.uncertain()).length === 0,
  },
  {
    wait: 'question is answered',
    ofStep: (ctx: AgentContext) => ctx.ask({ text: 'Continue?' }),
    decide: (run: Run, { questions }: RunResult) => run.answer(questions[0]?.id ?? '', 'yes'),
    isStored: undefined,
  },
]

it.each(cases)(
  'A run whose $wait during its takeover does not wait afterwards.',
  async ({ ofStep, decide, isStored }) => {
    let executions = 0
    const asker = defineAgent({
      name: 'Asker',
      run: async (_, ctx) => {
        executions++
        return finish(await ofStep(ctx))
      },
    })
    const clock = createVirtualClock()
    const troupe = await opened({ agents: [asker], clock } as never)
    const { orchestra } = troupe[partsOf].runs
    const { stores, journal } = orchestra.parts
    const run = await troupe.user('ada').orchestra.start({ id: 'r', task: 'go', topology: solo(asker) })
    const waiting = await run.result()
    expect(waiting.status).toBe('waiting')
    await clock.advance('2s')
    await expect.poll(async () => (await stores.store.holderOf('ada', 'r'))?.holder ?? 'none').toBe('none')

    // The step reports its wait during the first read of the inbox; the second read finds the decision.
    const { read } = journal.inbox
    const holds = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let reads = 0
    const heldRead = async (...args: Parameters<typeof read>) => {
      if (args[1] === 'run:r') await holds[reads++]?.promise
      return read(...args)
    }
    Object.assign(journal.inbox, { read: heldRead })
    await orchestra.own('ada', 'r')
    await expect.poll(() => executions).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 50))
    holds[0]?.resolve()
    await expect.poll(() => reads).toBe(2)
    const deciding = decide(run, waiting)
    if (isStored) await expect.poll(() => isStored(run)).toBe(true)
    else await new Promise((resolve) => setTimeout(resolve, 50))
    holds[1]?.resolve()
    await deciding
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'yes' })
    const types = (await eventsOf(run)).map(({ type }) => type)
    expect(types.slice(types.lastIndexOf('run.claimed'))).not.toContain('step.waiting')
  },
)
