/** What the event of a retried branch says of where the branch came from. */
import { expect, it } from 'vitest'
import { leaf, team } from '../machine-teams.test.fixture.ts'
import { fails, MachineTestbed } from '../machine-testbed.test.fixture.ts'

it.each([
  ['that has not moved yet', 'A', undefined],
  ['that came from another agent', 'B', 'A'],
])('The retry of a branch %s names the node that it came from, if there is one.', (_, failing, from) => {
  const topology = team('A B', ['Start -> A', 'A -> B', 'B -> End'])
  const stubs = { A: leaf('a'), B: leaf('b'), [failing]: () => fails('no') }
  const testbed = new MachineTestbed(topology, stubs, { onError: { '*': { retry: 2 } } }).runUntilIdle()
  const [retried] = testbed.of('branch.moved').filter(({ attempt }) => attempt === 2)
  expect(retried?.from).toBe(from)
})

it('The retry of a substitute stays the retry of a substitute.', () => {
  const topology = team('A C', ['Start -> A', 'A -> C', 'C -> End'])
  const stubs = { A: () => fails('no'), C: () => fails('nor this') }
  const testbed = new MachineTestbed(topology, stubs, { onError: { '*': { agent: 'C', retry: 2 } } }).runUntilIdle()
  const retried = testbed.of('branch.moved').filter(({ attempt }) => attempt === 2)
  // Each attempt is announced with its delay, and again when that is over.
  expect(retried.map(({ node, substitute }) => [node, substitute])).toEqual([
    ['A', undefined],
    ['A', undefined],
    ['C', true],
    ['C', true],
  ])
})
