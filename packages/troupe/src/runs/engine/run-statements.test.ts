/** How much a run asks of its storage: a statement or a commit more is a change of design, not of speed. */
import { expect, it } from 'vitest'
import { LlmAgent } from '../../index.ts'
import { countStatements } from '../../startup/statement-counter.test.fixture.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()
const worker = (name: string) =>
  new LlmAgent({
    name,
    instructions: 'Work.',
    model: new MockModel({ responses: Array.from({ length: 6 }, () => 'ok') }),
  })
const workers = [1, 2, 3, 4, 5].map((n) => worker(`W${n}`))
const names = workers.map(({ name }) => name)
const hub = {
  agents: [worker('Plan'), ...workers, worker('Join')],
  flows: ['Start -> Plan', `Plan => {${names.join(', ')}}`, ...names.map((name) => `${name} -> Join`), 'Join -> End'],
}

it('A run of seven steps with a model call each commits 4 times, reads at most 2 times, and executes at most 42 statements.', async () => {
  const { orchestra } = await ada()
  await orchestra.run({ task: 'warm up', topology: hub })
  const texts = countStatements()
  const statementsOfRun = async () => {
    const from = texts.length
    expect(await orchestra.run({ task: 'go', topology: hub })).toMatchObject({ status: 'completed', totalSteps: 7 })
    return texts.slice(from)
  }
  // On a loaded machine ends of steps and reads that belong together may come apart, so the least of five runs counts.
  let least = await statementsOfRun()
  for (let i = 0; i < 4; i++) {
    const next = await statementsOfRun()
    if (next.length < least.length) least = next
  }
  const of = (text: string) => least.filter((each) => each.startsWith(text)).length
  expect(of('commit')).toBe(4)
  expect(of('select')).toBeLessThanOrEqual(2)
  console.log(`a run of seven model calls: ${least.length} statements`)
  expect(least.length).toBeLessThanOrEqual(42)
  // The end of each step is part of the change that decides it.
  expect(of('insert into inbox')).toBe(0)
  // The rows of steps that end together share their statements.
  expect(of('insert into journals (')).toBe(4)
  expect(of('insert into journal_records')).toBe(4)
  expect(of('insert into thread_messages')).toBe(3)
  // What the run leaves behind is not looked at for ever.
  expect(of('insert into timers_due')).toBe(of('delete from timers_due'))
})
