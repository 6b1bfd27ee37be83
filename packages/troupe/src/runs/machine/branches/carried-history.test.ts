/** What a hand-off carries reaches the next step of its branch, and no later one. */
import { expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { Input } from '../machine-events.ts'
import { team } from '../machine-teams.test.fixture.ts'
import { fails, finish, handOff, MachineTestbed, type Play } from '../machine-testbed.test.fixture.ts'
import { loadState, saveState } from '../save-state.ts'

const history = { kind: 'all' as const, lines: [{ from: 'user', text: 'go' }] }
const carrying = (agent: string, input: Json): Play => ({
  outcome: { kind: 'handOff', agent, input, history: 'all', carried: history },
})
const histories = (testbed: MachineTestbed) => testbed.calls.map(({ agent, command }) => [agent, command.history])

it('A hand-off carries a history to the next agent alone, also where that one is retried.', () => {
  let attempts = 0
  const testbed = new MachineTestbed(
    team('A B C', ['A -> B', 'B -> C']),
    {
      A: () => carrying('B', 1),
      B: () => (++attempts === 1 ? fails('once') : handOff('C', 2)),
      C: () => finish(3),
    },
    { onError: { '*': { retry: { attempts: 2 } } } },
  ).runUntilIdle()
  expect(testbed.result).toMatchObject({ status: 'completed', response: 3 })
  expect(histories(testbed)).toEqual([
    ['A', undefined],
    ['B', history],
    ['B', history],
    ['C', undefined],
  ])
})

it('An input that is edited before its step keeps the history that came with it, after a resume too.', () => {
  const testbed = new MachineTestbed(
    team('A B', ['A -> B']),
    { A: () => carrying('B', 1), B: (input) => finish(input) },
    { debug: { breakOn: { agent: 'B' } } },
  ).runUntilIdle()
  expect(loadState(saveState(testbed.state)).branches.all.get('1')?.history).toEqual(history)
  testbed.apply({ at: testbed.now, by: 'ada', type: 'branch.edited', branch: '1', input: 5 } as Input)
  testbed.apply({ at: testbed.now, by: 'ada', type: 'resume' } as Input)
  expect(testbed.runUntilIdle().result).toMatchObject({ response: 5 })
  expect(histories(testbed).at(-1)).toEqual(['B', history])
})

it('A history that grows is no progress.', () => {
  let n = 0
  const grown = (agent: string): Play => {
    n += 1
    return {
      outcome: {
        kind: 'handOff',
        agent,
        input: 1,
        history: 'all',
        carried: { kind: 'all', lines: Array(n).fill({ from: 'A', text: 'x' }) },
      },
    }
  }
  const testbed = new MachineTestbed(
    team('A B', ['A <-> B']),
    { A: () => grown('B'), B: () => grown('A') },
    { guards: { pingPong: false, noProgress: { steps: 4 } } },
  ).runUntilIdle()
  expect(testbed.result.guard).toMatchObject({ name: 'noProgress' })
})
