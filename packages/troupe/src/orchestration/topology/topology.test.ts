import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Agent, defineAgent, type Outcome, type StepEntry } from '../../agents/index.ts'
import type { Json } from '../../core/index.ts'
import { checkTopology } from '../check/check-topology.ts'
import { type RunConfig, readConfig } from '../core/read-config.ts'
import { defineTopology, type TopologyForm } from './define-topology.ts'
import { patterns } from './patterns.ts'
import { fails, finish, handOff, invoke, resultsIn, type Script, value, valuesIn, World } from './world.test.fixture.ts'

const leaf = (name: string): Agent => defineAgent({ name, run: () => null })
const leaves = (names: string) => names.split(' ').map(leaf) as [Agent, Agent, Agent, ...Agent[]]
const edgesOf = (form: TopologyForm) => defineTopology(form).canonical.edges.map((e) => `${e.from}>${e.to}`)

describe('strings', () => {
  it('read arrows, braces and options', () => {
    const form = {
      agents: leaves('A B C D'),
      flows: ['Start -> A', 'A => {B, C}', '{B, C} -> D', 'D <~> A'],
      edges: { 'D<~>A': { maxTurns: 4 } },
      nodes: { D: { join: 'any' as const, deadline: '2s' as const } },
    }
    const { nodes, edges } = defineTopology(form).canonical
    expect(edges).toEqual([
      { from: 'Start', to: 'A', type: 'invoke' },
      { from: 'A', to: 'B', type: 'invoke', fanOut: true },
      { from: 'A', to: 'C', type: 'invoke', fanOut: true },
      { from: 'A', to: 'D', type: 'invoke', maxTurns: 4, alternating: true },
      { from: 'B', to: 'D', type: 'invoke' },
      { from: 'C', to: 'D', type: 'invoke' },
      { from: 'D', to: 'A', type: 'invoke', maxTurns: 4, alternating: true },
    ])
    expect(nodes.find((n) => n.name === 'D')).toEqual({
      name: 'D',
      kind: 'agent',
      agent: 'D',
      join: 'any',
      deadline: 2_000,
    })
  })
  it('a condition whose parts are of the wrong kind is refused', () => {
    const on = (when: object) => () =>
      defineTopology({ agents: leaves('A B'), flows: ['A -> B'], edges: { 'A -> B': { when } } })
    expect(on({ path: 3, equals: 1 })).toThrow(/path of its condition is not a text/)
    expect(on({ in: 'red' })).toThrow(/in of its condition is not a list/)
    expect(on({ exists: 'yes' })).toThrow(/exists of its condition is not true or false/)
    expect(on({ greaterThan: '3' })).toThrow(/greaterThan of its condition is not a number/)
    expect(on({ equals: undefined })).toThrow(/says nothing/)
    expect(on({ constructor: 1 })).toThrow(/no part constructor/)
    expect(on({ path: 'kind', in: ['red', null], exists: true })).not.toThrow()
  })
  it('a canonical form with what no topology gives is refused', () => {
    const [a, b] = leaves('A B')
    const form = defineTopology({ agents: [a, b], flows: ['A -> B'] }).toJSON()
    const edge = (more: object) => () =>
      defineTopology({ ...form, edges: form.edges.map((e) => ({ ...e, ...more })) }, { agents: [a, b] })
    expect(edge({ type: 'invok' })).toThrow(/no type invok/)
    expect(edge({ limit: 0 })).toThrow(/limit/)
    expect(edge({ when: { path: 'kind' } })).toThrow(/says nothing/)
    const node = (more: object) => () =>
      defineTopology({ ...form, nodes: form.nodes.map((n) => ({ ...n, ...more })) }, { agents: [a, b] })
    expect(node({ deadline: '30s' })).toThrow(/deadline is no whole number/)
    expect(node({})).not.toThrow()
  })
  it('a name in the place of a definition is refused with what to pass, as is whatever is no agent', () => {
    const named = 'Helper' as unknown as Agent
    const [a] = leaves('A')
    const remedy = expect.stringMatching(/^Pass the definition itself/)
    for (const form of [
      () => patterns.hubAndSpoke({ hub: named, spokes: [a] }),
      () => patterns.mapReduce({ map: a, reduce: named }),
      () => defineTopology({ agents: [a, named], flows: ['A -> Helper'] }),
    ])
      expect(form).toThrow(
        expect.objectContaining({
          hint: remedy,
          message: expect.stringContaining('Helper: it is a name and not an agent'),
        }),
      )
    for (const wrong of [undefined, null, 17, { name: 'Bob' }] as unknown[] as Agent[])
      expect(() => patterns.star({ center: wrong, points: [a] })).toThrow(
        expect.objectContaining({ hint: remedy, message: expect.stringContaining('it is no agent') }),
      )
  })
  it('the first starts and those without a way on end, where nothing says so', () => {
    expect(edgesOf({ agents: leaves('A B C'), flows: ['A -> B', 'A -> C'] })).toEqual([
      'Start>A',
      'A>B',
      'A>C',
      'B>End',
      'C>End',
    ])
  })
  it.each([
    [{ flows: ['A -> Bx'] }, /no agent Bx.*/],
    [{ flows: ['A to B'] }, /no arrow/],
    [{ flows: ['A -> B, C'] }, /braces/],
    [{ flows: ['A -> B -> C'] }, /more than one arrow/],
    [{ flows: ['A -> B', 'A -> B'] }, /twice/],
    [{ flows: ['A -> B'], nodes: { A: { joins: 'all' } } }, /joins/],
    [{ flows: ['A -> B'], nodes: { A: { join: { ratio: 2 } } } }, /ratio/],
    [{ flows: ['A -> B'], edges: { 'A -> C': { limit: 1 } } }, /no flow/],
    [{ flows: ['A -> B'], edges: { 'A -> B': { maxTurns: 1 } } }, /takes turns/],
    [{ flows: ['A -> B'], pools: { A: { size: 0 } } }, /limit/],
    [{ flows: ['A -> B'], flow: [] }, /flow/],
    [{ flows: ['A -> B'], agents: [...leaves('A B'), leaf('start')] }, /reserved/],
    [{ flows: ['A -> B'], agents: [...leaves('A B'), leaf('A')] }, /twice|two different/],
  ])('refuse %j', (more, problem) => {
    expect(() => defineTopology({ agents: leaves('A B C'), ...more } as TopologyForm)).toThrow(problem)
  })
})

describe('round trip', () => {
  const [a, b, c] = leaves('A B C')
  const agents = [a, b, c]
  const forms: Record<string, TopologyForm> = {
    pipeline: patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b, c], parallel: true }] }),
    hub: patterns.hubAndSpoke({ hub: a, spokes: [b, c], config: { budget: { steps: 9 } } }),
    vote: patterns.vote({ voters: agents, quorum: 2 }),
    loop: patterns.loop({ body: a, check: b, max: 3 }),
    plan: patterns.planAndExecute({ planner: a, executor: b }),
    router: patterns.router({ routes: { x: a, y: b } }),
    objects: {
      nodes: [
        { name: 'Start', kind: 'start' },
        { name: 'A', kind: 'agent', agent: a },
        { name: 'P', kind: 'pool', agent: b, size: 2 },
        { name: 'End', kind: 'end' },
      ],
      edges: [
        { from: 'Start', to: 'A' },
        { from: 'A', to: 'P', type: 'query' },
        { from: 'A', to: 'End', when: { path: 'x', exists: true } },
      ],
    },
  }
  it.each(Object.keys(forms))('of %s', (name) => {
    const first = defineTopology(forms[name] as TopologyForm)
    const json = JSON.parse(JSON.stringify(first))
    expect(JSON.parse(JSON.stringify(defineTopology(json, { agents })))).toEqual(json)
    expect(json).toEqual(first.canonical)
  })
  it('is of one form, however the team was written down', () => {
    const strings = { agents, flows: ['A -> B', 'Start -> A', 'B <-> C', 'B -> End'] }
    const objects = {
      nodes: [
        { name: 'End', kind: 'end' as const },
        { name: 'A', kind: 'agent' as const, agent: a },
        { name: 'B', kind: 'agent' as const, agent: b },
        { name: 'C', kind: 'agent' as const, agent: c },
        { name: 'Start', kind: 'start' as const },
      ],
      edges: [
        { from: 'C', to: 'B' },
        { from: 'B', to: 'C' },
        { from: 'B', to: 'End' },
        { from: 'Start', to: 'A' },
        { from: 'A', to: 'B' },
      ],
    }
    expect(defineTopology(strings).canonical).toEqual(defineTopology(objects).canonical)
  })
  it('says which definition is missing, and which function', () => {
    const json = JSON.parse(JSON.stringify(defineTopology(forms.pipeline as TopologyForm)))
    expect(() => defineTopology(json, { agents: [a, b] })).toThrow(/definition of C is missing/)
    const board = JSON.parse(JSON.stringify(patterns.blackboard({ agents, until: () => true })))
    const back = defineTopology(board, { agents })
    expect(JSON.parse(JSON.stringify(back))).toEqual(board)
    expect(checkTopology(back, readConfig({}, back.canonical))[0]).toMatchObject({
      code: 'code.missing',
      severity: 'error',
      place: 'Board',
    })
  })
  it('of any flows', () => {
    const names = ['A', 'B', 'C', 'User', 'End']
    const flow = fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.constantFrom('->', '<->', '=>'), fc.constantFrom(...names))
    fc.assert(
      fc.property(fc.array(flow, { minLength: 1, maxLength: 6 }), (flows) => {
        let form: ReturnType<typeof defineTopology>
        try {
          form = defineTopology({ agents, flows: flows.map((f) => f.join(' ')) })
        } catch {
          return
        }
        const json = JSON.parse(JSON.stringify(form))
        expect(defineTopology(json, { agents }).canonical).toEqual(json)
      }),
      { numRuns: 300 },
    )
  })
})

it('a team inside a team runs as one, and comes back to who invoked it', () => {
  const [a, b, c] = leaves('A B C')
  const inner = { agents: [b, c], flows: ['B -> C'] }
  const form = { agents: [a, { name: 'Team', topology: inner }], flows: ['Start -> A', 'A <-> Team', 'A -> End'] }
  const lead: Script = (input) => (resultsIn(input) ? finish(valuesIn(input)) : invoke(['Team/B', 1], ['Team/B', 10]))
  const world = new World(form, { A: lead, B: (i) => value(Number(i) + 1), C: (i) => value(Number(i) * 2) }).settle()
  expect(world.result).toMatchObject({ status: 'completed', response: [4, 22] })
})

/** The agents of patterns are real ones; those of users are scripts. */
async function play(
  form: TopologyForm,
  scripts: Record<string, Script>,
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
      [...roles].map((name): [string, Script] => [
        name as string,
        (input, command) => {
          const known = made.get(command.step)
          if (known instanceof Error)
            return { error: { name: known.name, code: 'role', message: known.message, retryable: false } }
          if (known) return { outcome: known }
          const entry = {
            input,
            results: command.results,
            request: command.request,
            ways: command.ways,
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
    const fresh: Record<string, Script> = Object.fromEntries(
      Object.entries(scripts).map(([name, script]) => [name, (i, c, n) => script(i, c, n)]),
    )
    const world = new World(form, { ...fresh, ...bound }, { deadline: '1d', ...config }, task).run(1e6)
    if (missing.length === 0) return world
    for (const { key, run } of missing) made.set(key, await run().catch((error: Error) => error))
  }
  throw new Error('the pattern does not end')
}

describe('patterns', () => {
  const [a, b, c, d] = leaves('A B C D') as [Agent, Agent, Agent, Agent]
  it('pipeline with a parallel stage', async () => {
    const form = patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b, c], parallel: true }, { agents: [d] }] })
    const world = await play(form, {
      A: () => value('a'),
      B: (i) => value(`${i}1`, 200),
      C: (i) => value(`${i}2`, 100),
      D: (i) => value(valuesIn(i).join('+')),
    })
    expect(world.result.response).toBe('a1+a2')
  })
  it('pipeline in which an agent stands several times, in a stage and among them', async () => {
    const twice = patterns.pipeline({ stages: [{ agents: [a] }, { agents: [b] }, { agents: [a] }] })
    const scripts: Record<string, Script> = { A: (i) => value(`${i}a`), B: (i) => value(`${i}b`), C: (i) => value(i) }
    expect((await play(twice, scripts, 't')).result.response).toBe('taba')
    const beside = patterns.pipeline({ stages: [{ agents: [a, a], parallel: true }, { agents: [c] }] })
    expect((await play(beside, scripts, 't')).result.response).toMatchObject({
      results: [
        { agent: 'A', value: 'ta' },
        { agent: 'A', value: 'ta' },
      ],
    })
    expect(defineTopology(twice.toJSON(), { agents: [a, b] }).canonical).toEqual(twice.canonical)
  })
  it('hub and spoke, one at a time unless parallel', async () => {
    const scripts = {
      A: ((i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1], ['C', 2]))) as Script,
      B: () => value('b', 9),
      C: () => value('c', 9),
    }
    const slow = await play(patterns.hubAndSpoke({ hub: a, spokes: [b, c] }), scripts)
    const fast = await play(patterns.hubAndSpoke({ hub: a, spokes: [b, c], parallelSpokes: true }), scripts)
    expect([slow.result.response, slow.peak, fast.result.response, fast.peak]).toEqual([['b', 'c'], 1, ['b', 'c'], 2])
  })
  it('hierarchical', async () => {
    const world = await play(patterns.hierarchical({ root: a, tree: { A: [b], B: [c] } }), {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['B', 1])),
      B: (i) => (resultsIn(i) ? finish(valuesIn(i)) : invoke(['C', 1])),
      C: () => value('c'),
    })
    expect(world.result.response).toEqual([['c']])
  })
  it('mesh and swarm with hand-offs', async () => {
    const scripts = {
      A: () => handOff('C', 'to C'),
      B: (i: Json) => finish(`end: ${i}`),
      C: () => handOff('B', 'to B'),
    }
    expect((await play(patterns.mesh({ agents: [a, b, c], entry: a }), scripts)).result.response).toBe('end: to B')
    expect((await play(patterns.swarm({ agents: [a, b, c] }), scripts)).result.response).toBe('end: to B')
  })
  it('ring in rounds', async () => {
    const pass = (i: Json) => value(Number(i) + 1)
    expect(
      (await play(patterns.ring({ agents: [a, b, c], rounds: 2 }), { A: pass, B: pass, C: pass }, 0)).result.response,
    ).toBe(6)
    expect((await play(patterns.ring({ agents: [a, b, c] }), { A: pass, B: pass, C: pass }, 0)).result.response).toBe(3)
  })
  it('broadcast, with replies and without', async () => {
    const scripts: Record<string, Script> = {
      A: (i) => (resultsIn(i) ? finish(valuesIn(i)) : value('news')),
      B: (i) => value(`b ${i}`),
      C: (i) => value(`c ${i}`),
    }
    expect(
      (await play(patterns.broadcast({ broadcaster: a, receivers: [b, c], allowReplies: true }), scripts)).result
        .response,
    ).toEqual(['b news', 'c news'])
    expect((await play(patterns.broadcast({ broadcaster: a, receivers: [b, c] }), scripts)).result.response).toEqual([
      'b news',
      'c news',
    ])
  })
  it('star, and a supervisor that sees failures', async () => {
    const lead: Script = (i) =>
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
  it('router, which refuses an unknown type with the known ones', async () => {
    const form = patterns.router({ routes: { bug: b, question: c }, by: (task: { type: string }) => task.type })
    const scripts: Record<string, Script> = { B: () => value('fixed'), C: () => value('answered') }
    expect((await play(form, scripts, { type: 'question' })).result.response).toBe('answered')
    expect((await play(form, scripts, { type: 'poem' })).result.error?.message).toMatch(/poem.*bug.*question/)
    const byField = patterns.router({ routes: { bug: b, 7: c } })
    expect((await play(byField, scripts, { type: 'bug' })).result.response).toBe('fixed')
    expect((await play(byField, scripts, { type: 7 })).result.response).toBe('answered')
    const byOther = patterns.router({ routes: { bug: b }, by: 'constructor' })
    expect((await play(byOther, scripts, { type: 'bug' })).result.error?.message).toMatch(/a task without constructor/)
  })
  it('map-reduce', async () => {
    const form = patterns.mapReduce({ split: (task: string) => task.split(' '), map: a, reduce: b })
    const world = await play(
      form,
      { A: (i) => value(String(i).length), B: (i) => value((valuesIn(i) as number[]).reduce((x, y) => x + y, 0)) },
      'one three five',
    )
    expect(world.result.response).toBe(12)
  })
  it('vote and quorum', async () => {
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
  it('blackboard, round after round', async () => {
    let rounds = 0
    const form = patterns.blackboard({ agents: [a, b], until: () => rounds >= 3 })
    const world = await play(form, { A: () => value('a'), B: () => value(`b${++rounds}`) })
    expect(world.result).toMatchObject({ status: 'completed', response: ['a', 'b3'] })
  })
  it('plan and execute', async () => {
    const world = await play(patterns.planAndExecute({ planner: a, executor: b }), {
      A: (i) => (resultsIn(i) ? value(valuesIn(i)) : value(['t1', 't2'])),
      B: (i) => value(`${i} done`),
    })
    expect(world.result.response).toEqual(['t1 done', 't2 done'])
    expect(world.inputsOf('A')[1]).toMatchObject({ task: 'go' })
  })
  it('loop until a check passes, so often at most', async () => {
    const body: Script = (i) => value(i === 'go' ? 1 : Number((i as { value: number }).value) + 1)
    const check: Script = (i) => value(Number(i) >= 3 ? { pass: true } : { pass: false, feedback: `${i} is too small` })
    const world = await play(patterns.loop({ body: a, check: b, max: 5 }), { A: body, B: check })
    expect(world.result.response).toBe(3)
    expect(world.inputsOf('A')[1]).toEqual({ task: 'go', value: 1, feedback: '1 is too small' })
    expect(
      (await play(patterns.loop({ body: a, check: b, max: 2 }), { A: body, B: check })).result.error?.message,
    ).toMatch(/within 2 rounds: 2 is too small/)
  })
})
