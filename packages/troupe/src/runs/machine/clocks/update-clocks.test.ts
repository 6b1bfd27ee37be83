/** Which clocks count when: while a run works, and neither in a gap nor while it waits. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import { changeStep } from '../branches/branch-counts.ts'
import type { Branch } from '../branches/branches-slice.ts'
import type { Event, Input } from '../machine-events.ts'
import { fan, hub, leaf, team } from '../machine-teams.test.fixture.ts'
import { type AgentStub, fails, finish, MachineTestbed, value } from '../machine-testbed.test.fixture.ts'
import { loadState, saveState } from '../save-state.ts'
import type { Step } from '../steps/steps-slice.ts'

const hour = 3_600_000
const limits = {
  join: { deadline: '8s' },
  step: { timeouts: { step: '8s' } },
  branch: { timeouts: { branch: '8s' } },
  run: { timeouts: { run: '8s' } },
  time: { budget: { time: '8s' } },
} satisfies Record<string, RunConfig>
const kinds = Object.keys(limits) as (keyof typeof limits)[]

type Untimed = Input extends infer Each ? (Each extends Input ? Omit<Each, 'at'> : never) : never
const submit = (testbed: MachineTestbed, input: Untimed): readonly Event[] =>
  testbed.apply({ ...input, at: testbed.now } as Input)

const asks: AgentStub = () => ({ ask: { kind: 'question', text: 'Which?' }, next: (answer) => value(answer as Json) })
/** A lead that waits for two branches, the first of which is given. */
const lead = (first: AgentStub, config: RunConfig, more: Record<string, AgentStub> = {}, flows: string[] = []) =>
  new MachineTestbed(
    team(['Lead', 'P', 'N', ...Object.keys(more)].join(' '), [
      'Start -> Lead',
      'Lead <-> P',
      'Lead <-> N',
      'Lead -> End',
      ...flows,
    ]),
    { Lead: fan('P', 'N'), P: first, N: leaf('n', 100), ...more },
    { guards: { noProgress: false }, ...config },
  ).run(1_100)
const stepOf = (testbed: MachineTestbed, agent: string) =>
  [...testbed.state.steps.open.values()].find((step) => step.agent === agent)?.id ?? ''
/** Time passes, and what falls due in it happens. */
const later = (testbed: MachineTestbed, ms: number) => testbed.run(testbed.now + ms)

describe('a gap in which no process carries the run', () => {
  it.each(kinds)('Days without a process do not count towards the limit of a %s.', (kind) => {
    const testbed = lead(leaf('p', 5_000), limits[kind])
    testbed.down(3 * 24 * hour)
    expect(later(testbed, 1_000).result.status).toBe('running')
    testbed.down(hour)
    expect(testbed.runUntilIdle().result).toMatchObject({ status: 'completed', response: ['p', 'n'] })
  })

  it.each(kinds)('A %s that exceeds its limit without the gap ends by it, as late as the gap is long.', (kind) => {
    const testbed = lead(leaf('p', hour), limits[kind])
    testbed.down(24 * hour)
    const { result } = later(testbed, 10_000)
    expect(result.status).toBe(kind === 'join' ? 'completed' : 'failed')
    expect(result.durationMs).toBe(24 * hour + 8_000)
  })

  it('The guard time reports the time in which the run worked.', () => {
    const testbed = lead(leaf('p', hour), limits.time)
    testbed.down(24 * hour)
    expect(later(testbed, 10_000).result.guard).toEqual({ name: 'time', limit: 8_000, used: 8_000 })
  })

  it('The next attempt of a run has what is left of its time budget.', () => {
    const config: RunConfig = { retry: { attempts: 3, backoff: '1s' }, budget: { time: '8s' } }
    const testbed = new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: () => fails('no', 5_000) }, config)
    const { guard, durationMs } = testbed.runUntilIdle().result
    expect(guard).toEqual({ name: 'time', limit: 8_000, used: 8_000 })
    expect(durationMs).toBe(8_000)
  })

  it('Time without a process does not count towards the timeout of a request, the wait for a pool and the delay of a retry.', () => {
    const request: AgentStub = () => ({
      request: { to: 'Oracle', payload: 6, deadlineAfter: 8_000 },
      next: (reply) => value(reply as Json),
    })
    const asking = lead(request, {}, { Oracle: leaf('told', 5_000) }, ['P -> Oracle', 'Oracle -> End'])
    asking.down(hour)
    expect(asking.runUntilIdle().result.response).toEqual(['told', 'n'])
    const queue = hub(['B'], { B: leaf('b', 5_000) }, { timeouts: { acquisition: '8s' } }, fan('B', 'B'))
    expect(queue.result.response).toEqual(['b', 'b'])
  })

  it('A timer that arrives before its time, since a gap moved it, is set again for the time that is left.', () => {
    const testbed = lead(leaf('p', hour), limits.run)
    const due = testbed.of('timer.set').find(({ name }) => name === 'run')?.due ?? 0
    testbed.down(hour)
    expect(submit(testbed, { type: 'timer', name: 'run' })).toMatchObject([{ type: 'timer.set', due: due + hour }])
  })

  it('A suspension of the process together with the run is a gap, which cannot be longer than the time since the last record.', () => {
    const testbed = lead(leaf('p', 5_000), limits.run)
    testbed.now += hour
    expect(submit(testbed, { type: 'clock.jumped', gap: 2 * hour })).toEqual([
      { type: 'clock.jumped', gap: testbed.now - 1_100, at: testbed.now },
    ])
    expect(submit(testbed, { type: 'timer', name: 'run' })).toMatchObject([{ type: 'timer.set' }])
  })

  it('A state that was saved after a gap knows the gap.', () => {
    const testbed = lead(leaf('p', hour), limits.run)
    testbed.down(hour)
    expect(loadState(saveState(testbed.state)).clocks.gaps).toBe(testbed.state.clocks.gaps)
    expect(testbed.state.clocks.gaps).toBeGreaterThan(0)
  })
})

describe('a run that waits', () => {
  const waits: Record<string, (testbed: MachineTestbed) => void> = {
    'a person': () => {},
    'an uncertain effect': (testbed) =>
      void submit(testbed, { type: 'step.waiting', step: stepOf(testbed, 'P'), reason: 'uncertain' }),
    'changed code': (testbed) =>
      void submit(testbed, { type: 'step.waiting', step: stepOf(testbed, 'P'), reason: 'code.changed' }),
    'its resume': (testbed) => void submit(testbed, { type: 'pause', by: 'ada' }),
    'a child run that waits': (testbed) => {
      const step = stepOf(testbed, 'P')
      submit(testbed, { type: 'step.waiting', step, reason: 'parked', children: ['child'] })
      submit(testbed, { type: 'child.waiting', child: 'child', step, reason: 'question', questions: ['1#1?w'] })
    },
  }
  const cells = Object.keys(waits).flatMap((what) => kinds.map((kind) => ({ what, kind })))
  it.each(cells)(
    'A run that waits for $what for longer than the limit of a $kind goes on waiting.',
    ({ what, kind }) => {
      const first = what === 'a person' || what === 'its resume' ? asks : leaf('p', 100 * hour)
      const testbed = lead(first, limits[kind])
      waits[what]?.(testbed)
      const { status, reason } = testbed.result
      expect(status).toBe('waiting')
      expect(later(testbed, 24 * hour).result).toMatchObject({ status: 'waiting', reason })
    },
  )

  it('Its clocks go on with what was left of them.', () => {
    const testbed = lead(asks, { budget: { time: '8s' } })
    later(testbed, hour)
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'this one')
    // It worked for 100 ms, until the second branch had returned.
    expect(testbed.remainingMs('time')).toBe(7_900)
    expect(testbed.runUntilIdle().result.response).toEqual(['this one', 'n'])
  })

  it('A join whose missing branch waits for an uncertain effect waits while another branch works.', () => {
    const testbed = new MachineTestbed(
      team('Lead P N Slow', [
        'Start -> Lead',
        'Start -> Slow',
        'Lead <-> P',
        'Lead <-> N',
        'Lead -> End',
        'Slow -> End',
      ]),
      { Lead: fan('P', 'N'), P: leaf('p', 100 * hour), N: leaf('n', 100), Slow: leaf('s', hour) },
      limits.join,
    ).run(2_000)
    submit(testbed, { type: 'step.waiting', step: stepOf(testbed, 'P'), reason: 'uncertain' })
    expect(later(testbed, hour / 2).of('join.completed')).toEqual([])
    expect(testbed.result.status).toBe('running')
  })
})

describe('requests and child runs', () => {
  const flows = ['P -> Oracle', 'Oracle -> End']
  const request: AgentStub = () => ({
    request: { to: 'Oracle', payload: 6, deadlineAfter: 8_000 },
    next: (reply) => value(reply as Json),
  })

  it('A request waits with the step that serves it while that asks a person.', () => {
    const testbed = lead(request, limits.branch, { Oracle: asks }, flows)
    expect(later(testbed, hour).result).toMatchObject({ status: 'waiting', reason: 'question' })
    testbed.answer(testbed.result.questions[0]?.id ?? '', 'told')
    expect(testbed.runUntilIdle().result.response).toEqual(['told', 'n'])
  })

  it('A step that serves a request which nobody waits for any more is no longer counted as blocked.', () => {
    const testbed = later(lead(request, limits.branch, { Oracle: asks }, flows), hour)
    const { state } = testbed
    const serving = [...state.steps.open.values()].find(({ serve }) => serve) as Step
    state.steps.open.delete(serving.serve?.from as string)
    changeStep(state, serving, () => {
      serving.status = 'running'
    })
    expect(serving.blocked).toBe(false)
  })

  it('A step that its branch has left blocks nothing.', () => {
    const testbed = later(lead(asks, limits.branch), hour)
    const { state } = testbed
    const waiting = [...state.steps.open.values()].find(({ blocked }) => blocked) as Step
    const branch = state.branches.all.get(waiting.branch) as Branch
    branch.step = undefined
    changeStep(state, waiting, () => {
      waiting.status = 'running'
    })
    expect([waiting.blocked, branch.blocked]).toEqual([false, true])
  })

  it('A request that is not served in time fails with its own timeout.', () => {
    const testbed = lead(request, { onFailure: 'collect' }, { Oracle: leaf(1, hour) }, flows)
    const { error } = later(testbed, 10_000).of('step.failed')[0] ?? {}
    expect(error?.message).toContain('request timeout of 8s')
  })

  const child = (testbed: MachineTestbed, name: string, questions: readonly string[] = []) =>
    submit(testbed, {
      type: 'child.waiting',
      child: name,
      step: stepOf(testbed, 'P'),
      reason: questions.length > 0 ? 'question' : 'paused',
      questions,
    })

  it('A run waits when all child runs that its step waits for wait, with their questions, and works when one of them moves.', () => {
    const testbed = lead(leaf('p', 100 * hour), limits.time)
    const step = stepOf(testbed, 'P')
    child(testbed, 'one')
    submit(testbed, { type: 'step.waiting', step, reason: 'parked', children: ['one', 'two'] })
    expect(testbed.result.status).toBe('running')
    expect(child(testbed, 'two', ['1#1?w']).at(-1)).toMatchObject({
      type: 'run.waiting',
      reason: 'question',
      questions: ['two::1#1?w'],
    })
    expect(loadState(saveState(testbed.state)).steps.waitingChildren).toEqual(testbed.state.steps.waitingChildren)
    submit(testbed, { type: 'child.resumed', child: 'one', step })
    expect(testbed.result.status).toBe('running')
    expect(submit(testbed, { type: 'child.resumed', child: 'one', step })).toEqual([])
    expect(child(testbed, 'one').at(-1)).toMatchObject({ type: 'run.waiting' })
    // The same again changes nothing but the list of questions.
    child(testbed, 'two', ['1#1?w', '1#1?x'])
    expect(testbed.of('run.waiting').at(-1)?.questions).toEqual(['two::1#1?w', 'two::1#1?x'])
    submit(testbed, { type: 'run.charged', run: 'two', steps: 1, usage: { inputTokens: 0, outputTokens: 0 } })
    expect(testbed.result.status).toBe('running')
  })

  it('A run that is resumed works, since its paused child runs are resumed with it.', () => {
    const testbed = lead(leaf('p', 100 * hour), limits.time)
    const step = stepOf(testbed, 'P')
    submit(testbed, { type: 'step.waiting', step, reason: 'parked', children: ['one', 'two'] })
    submit(testbed, { type: 'pause', by: 'ada' })
    child(testbed, 'one')
    child(testbed, 'two', ['1#1?w'])
    submit(testbed, { type: 'resume', by: 'ada' })
    expect([...testbed.state.steps.waitingChildren.keys()]).toEqual(['two'])
    expect(testbed.result.status).toBe('running')
  })

  it('A report of a child run changes nothing after its step has ended.', () => {
    const testbed = lead(leaf('p', 100 * hour), limits.time)
    const step = stepOf(testbed, 'P')
    submit(testbed, { type: 'step.waiting', step, reason: 'parked', children: ['one'] })
    child(testbed, 'one')
    submit(testbed, { type: 'step.returned', step, outcome: { kind: 'value', value: 'p' } })
    expect(testbed.state.steps.waitingChildren.size).toBe(0)
    expect(submit(testbed, { type: 'child.waiting', child: 'one', step, reason: 'paused', questions: [] })).toEqual([])
  })
})

describe('deadlines of joins and timeouts of questions', () => {
  it('A join without a named deadline waits for as long as its branches work.', () => {
    const testbed = hub(['A', 'B'], { A: leaf('a', 20 * hour), B: leaf('b') }, { budget: { time: '100h' } })
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['a', 'b'], durationMs: 20 * hour })
  })

  it('The timeout of a question counts wall-clock time, also in a gap and while the run is paused.', () => {
    const testbed = new MachineTestbed(
      team('A', ['Start -> A', 'A -> End']),
      {
        A: () => ({
          ask: { kind: 'question', text: '?', timeout: '2h', default: 'none' },
          next: (a) => finish(a as Json),
        }),
      },
      {},
    ).runUntilIdle()
    testbed.down(hour)
    submit(testbed, { type: 'pause', by: 'ada' })
    const { at } = later(testbed, 2 * hour).of('question.answered')[0] ?? {}
    expect(at).toBe((testbed.of('question.asked')[0]?.at as number) + 2 * hour)
  })
})
