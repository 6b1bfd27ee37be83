/** Questions of a branch at `User` that expire without an answer. */
import { describe, expect, it } from 'vitest'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import { leaf, team } from '../machine-teams.test.fixture.ts'
import { finish, handOff, MachineTestbed, resultsIn, value } from '../machine-testbed.test.fixture.ts'

const timeouts = { human: '5m' } as const
/** Plays until no timer is left, and answers no question. */
const play = (config: RunConfig) =>
  new MachineTestbed(
    team('A', ['Start -> A', 'A <-> User', 'A -> End']),
    { A: (i, _, n) => (n === 1 ? handOff('User', 'Who?') : finish(i)) },
    { timeouts, ...config },
  ).run(1_000 + 6 * 60_000)
const questionOf = ({ result }: MachineTestbed) => result.questions[0]

describe('a question at User without an answer', () => {
  it('An expired question fails its branch as the join that misses the branch says.', () => {
    const flows = ['Start -> A', 'A => {B, C}', 'B -> User', 'User -> D', 'C -> D', 'D -> End']
    for (const [onFailure, agents] of [
      ['collect', ['User', 'C']],
      ['continue', ['C']],
    ] as const) {
      const topology = team('A B C D', flows, { nodes: { D: { onFailure } } })
      const stubs = { A: leaf('a'), B: () => handOff('User', '?'), C: leaf('c') }
      const D = (i: Parameters<typeof resultsIn>[0]) => value((resultsIn(i) ?? []).map(({ agent }) => agent))
      const testbed = new MachineTestbed(topology, { ...stubs, D }, { timeouts }).run()
      expect(testbed.result).toMatchObject({ status: 'completed', response: agents })
    }
  })

  it('An expired question follows the rule of onError for its timeout.', () => {
    expect(play({ onError: { timeout: { value: 'expired' } } }).result).toMatchObject({ response: 'expired' })
    expect(play({ onError: { '*': 'fail' } }).result).toMatchObject({ status: 'failed', error: { code: 'timeout' } })
  })

  it('An expired question is asked a second time if onError retries it.', () => {
    const testbed = play({ onError: { '*': { retry: { attempts: 2, backoff: '1ms' } } } })
    expect(testbed.of('question.asked')).toHaveLength(2)
    testbed.answer(questionOf(testbed)?.id ?? '', 'Ada')
    expect(testbed.run().result).toMatchObject({ status: 'completed', response: 'Ada' })
  })

  it.each([{ onFailure: 'ask' }, { onError: { '*': 'ask' } }] as const)(
    'An expired question becomes a question about the failure with %j, and a retry asks it a second time.',
    (config) => {
      const testbed = play(config)
      expect(questionOf(testbed)).toMatchObject({ kind: 'error' })
      testbed.answer(questionOf(testbed)?.id ?? '', 'retry')
      expect(questionOf(testbed)).toMatchObject({ kind: 'question', text: 'Who?' })
      testbed.answer(questionOf(testbed)?.id ?? '', 'Ada')
      expect(testbed.run().result).toMatchObject({ status: 'completed', response: 'Ada' })
    },
  )
})
