import { expect, it } from 'vitest'
import { fan, slow, team } from '../machine-teams.test.fixture.ts'
import { MachineTestbed } from '../machine-testbed.test.fixture.ts'
import { loadState, saveState } from '../save-state.ts'

const queued = () => {
  const form = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
  const testbed = new MachineTestbed(form, { A: fan('B', 'B', 'B'), B: slow() }, { maxParallelBranches: 1 })
  testbed.next()
  return testbed
}
const queueIn = ({ state }: Pick<MachineTestbed, 'state'>) => [...state.branches.queues.values()][0]

it('A step queue skips branches that were cancelled while they waited.', () => {
  const testbed = queued()
  expect(queueIn(testbed)).toMatchObject({ head: 2, items: { length: 4 } })
  testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })
  expect(queueIn(testbed)).toMatchObject({ head: 4, items: { length: 4 } })
})

it('A snapshot holds every entry of a state with more than a hundred branches.', () => {
  const form = team('A B', ['Start -> A', 'A <-> B', 'A -> End'])
  const names = Array.from({ length: 150 }, () => 'B')
  const testbed = new MachineTestbed(form, { A: fan(...names), B: slow() })
  testbed.next()
  const loaded = loadState(saveState(testbed.state))
  expect([...loaded.branches.all.keys()]).toEqual([...testbed.state.branches.all.keys()])
  expect(saveState(loaded)).toEqual(saveState(testbed.state))
})

it('A group knows its open branches, also after a snapshot.', () => {
  const testbed = queued()
  const openIn = ({ branches: { groups } }: MachineTestbed['state']) =>
    [...groups.values()].map(({ open }) => [...open])
  expect(openIn(testbed.state)).toEqual([['1'], ['1/1.1'], ['1/1.2'], ['1/1.3']])
  testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })
  expect(openIn(testbed.state)).toEqual([['1'], ['1/1.1']])
  expect(openIn(loadState(saveState(testbed.state)))).toEqual(openIn(testbed.state))
})
