/** The status of branches in the account of a run. */
import { expect, it } from 'vitest'
import { fan, leaf, team } from '../machine-teams.test.fixture.ts'
import { type AgentStub, finish, MachineTestbed } from '../machine-testbed.test.fixture.ts'

it('A branch whose step waits for a person is waiting, and so is the branch that waits for it.', () => {
  const asks: AgentStub = () => ({
    ask: { kind: 'question', text: 'Which?' },
    next: (answer) => finish(answer as string),
  })
  const flows = ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead -> End']
  const testbed = new MachineTestbed(team('Lead A B', flows), { Lead: fan('A', 'B'), A: asks, B: leaf('b') })
  testbed.runUntilIdle()
  const statuses = () => testbed.result.branchResults.map(({ agent, status }) => `${agent} ${status}`)
  expect(statuses()).toEqual(['Lead waiting', 'A waiting', 'B completed'])
  testbed.answer(testbed.result.questions[0]?.id ?? '', 'this')
  expect(statuses()).toEqual(['Lead waiting', 'A running', 'B completed'])
  expect(testbed.runUntilIdle().result.response).toEqual(['this', 'b'])
})
