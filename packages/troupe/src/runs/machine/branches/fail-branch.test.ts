/** Failures of branches that no join waits for, and of branches that have not started their step. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { Join } from '../../../topology/index.ts'
import { agent, leaf, team } from '../machine-teams.test.fixture.ts'
import {
  type AgentStub,
  fails,
  finish,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from '../machine-testbed.test.fixture.ts'

describe('branches that lead to End', () => {
  it.each([
    ['before', 0, 10],
    ['after', 10, 0],
  ])('A branch that fails %s the others have ended fails the run.', (_, failsAfter, endsAfter) => {
    const flows = ['Start -> A', 'A => {B, C}', 'B -> End', 'C -> End']
    const stubs = { A: leaf('a'), B: leaf('b', endsAfter), C: () => fails('no', failsAfter) }
    const testbed = new MachineTestbed(team('A B C', flows), stubs).runUntilIdle()
    expect(testbed.result).toMatchObject({ status: 'failed', error: { message: 'no' } })
    const collecting = new MachineTestbed(team('A B C', flows), stubs, { onFailure: 'collect' }).runUntilIdle()
    expect(collecting.result).toMatchObject({ status: 'completed', response: 'b' })
  })
})

describe('branches that wait too long for their step', () => {
  const lead: AgentStub = (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['B', 2], ['B', 3]))
  const play = (flows: readonly string[], stubs: Record<string, AgentStub>, value: string) =>
    new MachineTestbed(
      team('A B C', ['Start -> A', 'A <-> B', 'A -> End', ...flows], { nodes: { B: { limit: 1 } } }),
      { A: lead, B: leaf('b', 1_000), C: leaf('c'), ...stubs },
      { timeouts: { acquisition: '200ms' }, onError: { timeout: { value } } },
    ).runUntilIdle()

  it('A branch gets the value of its error rule, and ends with it.', () => {
    expect(play(['A -> C', 'C -> End'], {}, 'busy').result).toMatchObject({
      status: 'completed',
      response: ['b', 'busy', 'busy'],
    })
  })

  it('A branch sends the value of its error rule along the fan-out of its agent, whose queue it has left.', () => {
    const seen: AgentStub = (i) => finish({ got: i })
    const testbed = play(
      ['B => {C}', 'C -> B'],
      { B: (i, _, n) => (n === 1 ? finish('b', 250) : seen(i, _, n)) },
      'busy',
    )
    const results = { results: [{ agent: 'C', value: 'c', success: true }] }
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['b', { got: results }, { got: results }] })
  })
})

describe('failures on the way to a join', () => {
  const flows = ['Start -> S', 'S => {X, Y}', 'X => {P, Q}', '{P, Q} -> R', '{R, Y} -> Z', 'Z -> End']
  const stubs = Object.fromEntries(['S', 'X', 'Y', 'P', 'Q'].map((name) => [name, leaf(name)]))
  const show: AgentStub = (i) =>
    value((resultsIn(i) ?? []).map((r) => (r.success ? (r.value as Json) : `no ${r.agent}`)))
  const play = (nodes: object, failing: Record<string, AgentStub>) =>
    new MachineTestbed(team('S X Y P Q R Z', flows, { nodes } as never), {
      ...stubs,
      R: show,
      Z: show,
      ...failing,
    }).runUntilIdle()
  const no: AgentStub = () => fails('no')

  it('A join gets the failure of a branch that would have reached it through an inner join.', () => {
    expect(play({ Z: { onFailure: 'collect' } }, { X: no }).result.response).toEqual(['no X', 'Y'])
    expect(play({ Z: { onFailure: 'continue' } }, { X: no }).result.response).toEqual(['Y'])
    expect(play({ Z: { join: 'first' } }, { X: no }).result.response).toEqual(['no X', 'Y'])
    expect(play({}, { X: no }).result).toMatchObject({ status: 'failed', error: { message: 'no' } })
  })

  it('A join gets the failure of an inner join as that of a branch.', () => {
    expect(play({ Z: { onFailure: 'collect' } }, { P: no }).result.response).toEqual(['no R', 'Y'])
    const late = play({ Z: { onFailure: 'continue' } }, { P: no, Q: leaf('Q', 50), Y: leaf('Y', 5) })
    expect(late.result.response).toEqual(['Y'])
    expect(late.result.branchResults.find(({ agent }) => agent === 'Q')?.status).toBe('cancelled')
    expect(play({ Z: { join: { quorum: 1 } } }, { P: no, Y: leaf('Y', 5) }).result.response).toEqual(['no R', 'Y'])
    for (const onFailure of ['ask', 'failFast'])
      expect(play({ R: { onFailure: 'failFast' }, Z: { onFailure } }, { P: no }).result).toMatchObject({
        status: 'failed',
        error: { message: 'no' },
      })
  })

  it('A run fails with the failure that ended it, and not with one that a join has collected.', () => {
    const collecting = { R: { onFailure: 'collect' }, Z: { onFailure: 'collect' } }
    const testbed = play(collecting, { P: no, Y: no, Z: () => fails('the last') })
    expect(testbed.result).toMatchObject({ status: 'failed', error: { message: 'the last' } })
  })
})

it('A skipped branch is not required by a join at a node, and is no success.', () => {
  const flows = ['Start -> S', 'S => {X, Y, W}', '{X, Y, W} -> Z', 'Z -> End']
  const show: AgentStub = (i) => value(valuesIn(i).filter((v) => v !== null))
  const play = (join: Join, failing: Record<string, AgentStub> = {}) => {
    const stubs = { S: leaf('S'), X: () => fails('no'), Y: leaf('Y', 5), W: leaf('W', 9), Z: show, ...failing }
    const config = { onError: { '*': { ask: true } } } as const
    const testbed = new MachineTestbed(team('S X Y W Z', flows, { nodes: { Z: { join } } }), stubs, config).run(1_003)
    for (const { id } of testbed.result.questions) testbed.answer(id, 'skip')
    return testbed.runUntilIdle().result
  }
  expect(play('all').response).toEqual(['Y', 'W'])
  expect(play({ quorum: 3 }).response).toEqual(['Y', 'W'])
  expect(play('first').response).toEqual(['Y'])
  expect(play('any').response).toEqual(['Y'])
  const no: AgentStub = () => fails('no')
  expect(play('first', { Y: no, W: no }).response).toEqual([])
})

it('A value of an error rule is the answer of an agent that has several ways to go.', () => {
  const hub = { agents: [agent('H'), agent('A')], flows: ['Start -> H', 'H <-> A', 'H -> End'] }
  const nested = {
    agents: [{ name: 'T', topology: hub }, agent('Z')],
    flows: ['Start -> T', 'T -> Z', 'Z -> End'],
  } as never
  const stubs = { H: () => fails('no'), A: leaf('a'), Z: (i: Json) => value(`Z(${i})`) }
  const testbed = new MachineTestbed(nested, stubs, { onError: { '*': { value: 'instead' } } }).runUntilIdle()
  expect(testbed.result).toMatchObject({ status: 'completed', response: 'Z(instead)' })
  const open = team('A B C', ['Start -> A', 'A -> B', 'A -> C', 'B -> End', 'C -> End'])
  const ended = new MachineTestbed(open, { A: stubs.H }, { onError: { '*': { value: 'instead' } } }).runUntilIdle()
  expect(ended.result).toMatchObject({ status: 'completed', response: 'instead' })
})
