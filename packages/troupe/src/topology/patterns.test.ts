import { describe, expect, it } from 'vitest'
import { type Agent, defineAgent, type Outcome, type StepEntry } from '../agents/index.ts'
import type { Json } from '../core/index.ts'
import {
  type AgentStub,
  fails,
  finish,
  handOff,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from '../runs/machine/machine-testbed.test.fixture.ts'
import type { RunConfig } from './canonical/run-config.ts'
import { defineTopology, type TopologyForm } from './define-topology.ts'
import { patterns } from './patterns.ts'

const leaf = (name: string): Agent => defineAgent({ name, run: () => null })
const leaves = (names: string) => names.split(' ').map(leaf) as [Agent, Agent, Agent, ...Agent[]]

/** The agents of patterns are real ones; those of users are scripts. */
async function play(
  form: TopologyForm,
  stubs: Record<string, AgentStub>,
  task: Json = 'go',
  config: RunConfig = {},
  context: object = {},
) {
  const compiled = defineTopology(form)
  const roles = new Set(compiled.canonical.nodes.filter((n) => n.role).map((n) => n.agent))
  const made = new Map<string, Outcome | Error>()
  for (let round = 0; round < 100; round++) {
    const missing: { key: string; run: () => Promise<Outcome> }[] = []
    const bound = Object.fromEntries(
      [...roles].map((name): [string, AgentStub] => [
        name as string,
        (input, command) => {
          const known = made.get(command.step)
          if (known instanceof Error)
            return { error: { name: known.name, code: 'role', message: known.message, retryable: false } }
          if (known) return { outcome: known }
          const entry = {
            input,
            results: command.results,
            invoked: command.invoked,
            request: command.request,
            flow: command.flow,
            ctx: { context },
          } as unknown as StepEntry
          missing.push({
            key: command.step,
            run: async () => (compiled.agents.get(name as string) as Agent).step(entry),
          })
          return { ...value(null), after: 1e9 }
        },
      ]),
    )
    const fresh: Record<string, AgentStub> = Object.fromEntries(
      Object.entries(stubs).map(([name, stub]) => [name, (i, c, n) => stub(i, c, n)]),
    )
    const testbed = new MachineTestbed(form, { ...fresh, ...bound }, { deadline: '1d', ...config }, task).run(1e6)
    if (missing.length === 0) return testbed
    for (const { key, run } of missing) made.set(key, await run().catch((error: Error) => error))
  }
  throw new Error('the pattern does not end')
}

describe('patterns', () => {
  const [a, b, c, d] = leaves('A B C D') as [Agent, Agent, Agent, Agent]
  it('The pipeline pattern executes a parallel stage.', async () => {
    const form = patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b, c], parallel: true }, { agents: [d] }] })
    const testbed = await play(form, {
      A: () => value('a'),
      B: (i) => value(`${i}1`, 200),
      C: (i) => value(`${i}2`, 100),
      D: (i) => value(valuesIn(i).join('+')),
    })
    expect(testbed.result.response).toBe('a1+a2')
  })
  it('The built-in agent of a nested team gets the branches that meet at it as its task.', async () => {
    const after = (topology: TopologyForm) =>
      ({
        agents: [a, b, { name: 'T', topology }],
        flows: ['Start -> {A, B}', '{A, B} -> T', 'T -> End'],
      }) as TopologyForm
    const stubs = { A: () => value('a'), B: () => value('b'), C: (i: Json) => value(valuesIn(i)) }
    const voted = await play(after(patterns.vote({ voters: [c] })), stubs)
    expect(voted.result.response).toEqual(['a', 'b'])
    const check: AgentStub = () => value({ pass: true })
    const looped = await play(after(patterns.loop({ body: c, check: d })), { ...stubs, D: check })
    expect([looped.result.response, looped.inputsOf('C').map(valuesIn)]).toEqual([['a', 'b'], [['a', 'b']]])
  })
  it('The ring pattern allows an agent several times in a round.', async () => {
    const stubs: Record<string, AgentStub> = { A: (i) => value(`${i}a`), B: (i) => value(`${i}b`) }
    const testbed = await play(patterns.ring({ agents: [a, b, a], rounds: 2 }), stubs)
    expect(testbed.result.response).toBe('goabaaba')
  })
  it('Other patterns reject an agent that is named twice, and say what to do.', () => {
    const rejects = (build: () => unknown, problem: string) => {
      expect(build).toThrow(problem)
      expect(build).toThrow(expect.objectContaining({ hint: expect.stringMatching(/efine a second/) }))
    }
    rejects(
      () => patterns.hubAndSpoke({ hub: b, spokes: [a, a] }),
      'at B -> A: the edge is there twice, or A is twice in',
    )
    rejects(() => patterns.hubAndSpoke({ hub: a, spokes: [a] }), 'at A -> A: the edge is there twice, or A is twice in')
    rejects(() => patterns.loop({ body: a, check: a }), 'at Loop -> A: the edge is there twice, or A is twice in')
  })
  it('The pipeline pattern allows an agent several times, in one stage and in several.', async () => {
    const twice = patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b] }, { agents: [a] }] })
    const stubs: Record<string, AgentStub> = { A: (i) => value(`${i}a`), B: (i) => value(`${i}b`), C: (i) => value(i) }
    expect((await play(twice, stubs, 't')).result.response).toBe('taba')
    const beside = patterns.pipeline({ stages: [{ agents: [a, a], parallel: true }, { agents: [c] }] })
    expect((await play(beside, stubs, 't')).result.response).toMatchObject({
      results: [
        { agent: 'A', value: 'ta' },
        { agent: 'A', value: 'ta' },
      ],
    })
    expect(defineTopology(twice.toJSON(), { agents: [a, b] }).canonical).toEqual(twice.canonical)
  })
  it('The hub-and-spoke pattern executes spokes one at a time, or in parallel if configured.', async () => {
    const stubs = {
      A: ((i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['C', 2]))) as AgentStub,
      B: () => value('b', 9),
      C: () => value('c', 9),
    }
    const slow = await play(patterns.hubAndSpoke({ hub: a, spokes: [b, c] }), stubs)
    const fast = await play(patterns.hubAndSpoke({ hub: a, spokes: [b, c], parallelSpokes: true }), stubs)
    expect([slow.result.response, slow.peak, fast.result.response, fast.peak]).toEqual([['b', 'c'], 1, ['b', 'c'], 2])
  })
  it('The hierarchical pattern passes results up the tree.', async () => {
    const testbed = await play(patterns.hierarchical({ root: a, tree: { A: [b], B: [c] } }), {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1])),
      B: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['C', 1])),
      C: () => value('c'),
    })
    expect(testbed.result.response).toEqual([['c']])
  })
  it.each([
    ['mesh', patterns.mesh({ agents: [a, b, c], entry: a })],
    ['swarm', patterns.swarm({ agents: [a, b, c] })],
  ])('The %s pattern hands off between agents.', async (_, form) => {
    const stubs = {
      A: () => handOff('C', 'to C'),
      B: (i: Json) => finish(`end: ${i}`),
      C: () => handOff('B', 'to B'),
    }
    expect((await play(form, stubs)).result.response).toBe('end: to B')
  })
  it('The ring pattern passes a value in rounds.', async () => {
    const pass = (i: Json) => value(Number(i) + 1)
    expect(
      (await play(patterns.ring({ agents: [a, b, c], rounds: 2 }), { A: pass, B: pass, C: pass }, 0)).result.response,
    ).toBe(6)
    expect((await play(patterns.ring({ agents: [a, b, c] }), { A: pass, B: pass, C: pass }, 0)).result.response).toBe(3)
  })
  it('The broadcast pattern rejects a broadcaster that is one of its receivers.', () => {
    for (const allowReplies of [false, true])
      expect(() => patterns.broadcast({ broadcaster: a, receivers: [b, a], allowReplies })).toThrow(
        /A is not valid: it is its own receiver/,
      )
  })
  it('The broadcast pattern works with replies and without.', async () => {
    const stubs: Record<string, AgentStub> = {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : value('news')),
      B: (i) => value(`b ${i}`),
      C: (i) => value(`c ${i}`),
    }
    expect(
      (await play(patterns.broadcast({ broadcaster: a, receivers: [b, c], allowReplies: true }), stubs)).result
        .response,
    ).toEqual(['b news', 'c news'])
    expect((await play(patterns.broadcast({ broadcaster: a, receivers: [b, c] }), stubs)).result.response).toEqual([
      'b news',
      'c news',
    ])
  })
  it('The star and supervisor patterns return results, and the supervisor sees failures.', async () => {
    const lead: AgentStub = (i) =>
      resultsIn(i) ? finish((resultsIn(i) ?? []).map((r) => r.success)) : invoke(['B', 1], ['C', 1])
    expect(
      (await play(patterns.star({ center: a, points: [b, c] }), { A: lead, B: () => value(1), C: () => value(1) }))
        .result.response,
    ).toEqual([true, true])
    expect(
      (
        await play(patterns.supervisor({ supervisor: a, workers: [b, c] }), {
          A: lead,
          B: () => value(1),
          C: () => fails('no'),
        })
      ).result.response,
    ).toEqual([true, false])
  })
  it('The router pattern rejects an unknown type with the known ones.', async () => {
    const form = patterns.router({ routes: { bug: b, question: c }, by: (task: { type: string }) => task.type })
    const stubs: Record<string, AgentStub> = { B: () => value('fixed'), C: () => value('answered') }
    expect((await play(form, stubs, { type: 'question' })).result.response).toBe('answered')
    expect((await play(form, stubs, { type: 'poem' })).result.error?.message).toMatch(/poem.*bug.*question/)
    const byField = patterns.router({ routes: { bug: b, 7: c } })
    expect((await play(byField, stubs, { type: 'bug' })).result.response).toBe('fixed')
    expect((await play(byField, stubs, { type: 7 })).result.response).toBe('answered')
    const byOther = patterns.router({ routes: { bug: b }, by: 'constructor' })
    expect((await play(byOther, stubs, { type: 'bug' })).result.error?.message).toMatch(/a task without constructor/)
  })
  it('The map-reduce pattern splits, maps and reduces a task.', async () => {
    const form = patterns.mapReduce({ split: (task: string) => task.split(' '), map: a, reduce: b })
    const testbed = await play(
      form,
      { A: (i) => value(String(i).length), B: (i) => value((valuesIn(i) as number[]).reduce((x, y) => x + y, 0)) },
      'one three five',
    )
    expect(testbed.result.response).toBe(12)
  })
  it('The vote pattern finds the winner or fails without a quorum.', async () => {
    const vote = (...votes: Json[]) =>
      play(patterns.vote({ voters: [a, b, c], quorum: 2 }), {
        A: () => value(votes[0] ?? null),
        B: () => value(votes[1] ?? null),
        C: () => (votes[2] === undefined ? fails('no') : value(votes[2])),
      })
    expect((await vote({ x: 1 }, 2, { x: 1 })).result.response).toEqual({ x: 1 })
    expect((await vote(1, 1)).result.response).toBe(1)
    const thrice = await play(patterns.vote({ voters: [a, a, a] }), { A: (_, __, n) => value(n === 2 ? 'y' : 'x') })
    expect(thrice.result.response).toBe('x')
    expect((await vote(1, 2, 3)).result.error?.message).toMatch(/no winner/)
  })
  it('The blackboard pattern repeats rounds until its condition holds.', async () => {
    let rounds = 0
    const form = patterns.blackboard({ agents: [a, b], until: () => rounds >= 3 })
    const testbed = await play(form, { A: () => value('a'), B: () => value(`b${++rounds}`) })
    expect(testbed.result).toMatchObject({ status: 'completed', response: ['a', 'b3'] })
  })
  it('The plan-and-execute pattern executes the planned tasks.', async () => {
    const testbed = await play(patterns.planAndExecute({ planner: a, executor: b }), {
      A: (i) => (resultsIn(i) ? value(valuesIn(i)) : value(['t1', 't2'])),
      B: (i) => value(`${i} done`),
    })
    expect(testbed.result.response).toEqual(['t1 done', 't2 done'])
    expect(testbed.inputsOf('A')[1]).toMatchObject({ task: 'go' })
  })
  it('The loop and the plan continue without the failures that the policy leaves out.', async () => {
    const policy = { onFailure: 'continue' } as const
    const loop = patterns.loop({ body: a, check: b, max: 3 })
    const flaky: AgentStub = (i, _, n) => (n === 1 ? fails('no') : value(i))
    const passing: AgentStub = () => value({ pass: true })
    const { result } = await play(loop, { A: flaky, B: passing }, 't', policy)
    expect(result.response).toEqual({ task: 't', value: null, feedback: null })
    const broken = await play(loop, { A: () => fails('no'), B: passing }, 't', policy)
    expect(broken.result.error?.message).toMatch(/within 3 rounds/)
    const plan = patterns.planAndExecute({ planner: a, executor: b })
    const planner: AgentStub = (i, _, n) => value(n === 1 ? [1] : i)
    const planned = await play(plan, { A: planner, B: () => fails('no') }, 't', policy)
    expect(planned.result.response).toEqual({ results: [], task: 't' })
  })
  it.each(['collect', 'continue'] as const)(
    'The plan-and-execute pattern fails with its planner, even if the policy is %s.',
    async (onFailure) => {
      const plan = patterns.planAndExecute({ planner: a, executor: b })
      for (const round of [1, 2]) {
        const planner: AgentStub = (_, __, n) => (n === round ? fails('no') : value([1, 2]))
        const { result } = await play(plan, { A: planner, B: () => value('done') }, 't', { onFailure })
        expect(result).toMatchObject({
          status: 'failed',
          error: { message: expect.stringMatching(/planner A failed/) },
        })
      }
    },
  )
  it('The loop pattern repeats until a check passes, up to its maximum.', async () => {
    const body: AgentStub = (i) => value(i === 'go' ? 1 : Number((i as { value: number }).value) + 1)
    const check: AgentStub = (i) =>
      value(Number(i) >= 3 ? { pass: true } : { pass: false, feedback: `${i} is too small` })
    const testbed = await play(patterns.loop({ body: a, check: b, max: 5 }), { A: body, B: check })
    expect(testbed.result.response).toBe(3)
    expect(testbed.inputsOf('A')[1]).toEqual({ task: 'go', value: 1, feedback: '1 is too small' })
    expect(
      (await play(patterns.loop({ body: a, check: b, max: 2 }), { A: body, B: check })).result.error?.message,
    ).toMatch(/within 2 rounds: 2 is too small/)
  })
})

it('A pattern rejects a list of billions of holes at once.', () => {
  const agents = new Array(2 ** 32 - 1) as never[]
  for (const make of [patterns.ring, patterns.mesh, patterns.blackboard] as readonly ((options: never) => unknown)[])
    expect(() => make({ agents } as never)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
})
