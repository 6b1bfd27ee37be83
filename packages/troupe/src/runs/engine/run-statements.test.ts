/** How much a run asks of its storage: a statement or a commit more is a change of design, not of speed. */
import { StatementSync } from 'node:sqlite'
import { afterEach, expect, it } from 'vitest'
import { LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()
const original = { run: StatementSync.prototype.run, all: StatementSync.prototype.all }
afterEach(() => void Object.assign(StatementSync.prototype, original))

/** Counts what the memory storage executes, which has no thread of its own. */
function countStatements(): readonly string[] {
  const texts: string[] = []
  for (const name of ['run', 'all'] as const) {
    const execute = original[name] as (this: StatementSync, ...args: unknown[]) => unknown
    Object.assign(StatementSync.prototype, {
      [name](this: StatementSync, ...args: unknown[]) {
        texts.push(this.sourceSQL.trim().toLowerCase())
        return execute.apply(this, args)
      },
    })
  }
  return texts
}

const worker = (name: string) =>
  new LlmAgent({ name, instructions: 'Work.', model: new MockModel({ responses: ['ok', 'ok'] }) })
const workers = [1, 2, 3, 4, 5].map((n) => worker(`W${n}`))
const names = workers.map(({ name }) => name)
const hub = {
  agents: [worker('Plan'), ...workers, worker('Join')],
  flows: ['Start -> Plan', `Plan => {${names.join(', ')}}`, ...names.map((name) => `${name} -> Join`), 'Join -> End'],
}

it('A run of seven steps with a model call each commits at most 16 times, and reads at most 17 times', async () => {
  const { orchestra } = await ada()
  await orchestra.run({ task: 'warm up', topology: hub })
  const texts = countStatements()
  expect(await orchestra.run({ task: 'go', topology: hub })).toMatchObject({ status: 'completed', totalSteps: 7 })
  const of = (text: string) => texts.filter((each) => each.startsWith(text)).length
  expect(of('commit')).toBeLessThanOrEqual(16)
  expect(of('rollback')).toBeLessThanOrEqual(17)
  expect(of('insert into journals (')).toBe(8)
  // What the run leaves behind is not looked at for ever.
  expect(of('insert into timers_due')).toBe(of('delete from timers_due'))
})
