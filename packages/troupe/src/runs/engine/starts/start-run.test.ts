import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  defineAgent,
  defineTool,
  defineTopology,
  finish,
  LlmAgent,
  NotFoundError,
  type RunConfig,
  type StartSpec,
  type Troupe,
  ValidationError,
} from '../../../index.ts'
import { bad, pipe, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()

const echo = defineAgent({ name: 'Echo', run: async (input: string) => `echo ${input}` })
const upper = defineAgent({ name: 'Upper', run: async (input: string) => String(input).toUpperCase() })
const notes = { agents: [echo, upper], flows: ['Start -> Echo', 'Echo -> Upper', 'Upper -> End'] }

const orchestraOf = async () => {
  const troupe = await opened({ agents: [echo, upper], teams: { notes } })
  return troupe.user('ada').orchestra
}

const abortable = () => {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

describe('orchestra.start', () => {
  it.each<[string, StartSpec, unknown]>([
    ['a registered team by its name', { task: 'a', team: 'notes' }, 'ECHO A'],
    ['a registered agent by its name as team', { task: 'a', team: 'Echo' }, 'echo a'],
    ['a registered agent by its name as agent', { task: 'a', agent: 'Upper' }, 'A'],
    ['an agent by its definition', { task: 'a', agent: defineAgent({ name: 'Own', run: async () => 'own' }) }, 'own'],
    ['a topology', { task: 'a', topology: notes }, 'ECHO A'],
  ])('A run starts from %s.', async (_, spec, response) => {
    expect(await (await orchestraOf()).run(spec)).toMatchObject({ status: 'completed', response })
  })

  it.each<[string, object]>([
    ['without a thread', {}],
    ['with a thread', { threadId: 'talk' }],
  ])('A start %s whose signal aborts before the run is durable starts no run.', async (_, options) => {
    const orchestra = await orchestraOf()
    const { signal, abort } = abortable()
    const start = orchestra.start({ task: 'a', team: 'notes', signal, ...options })
    abort()
    await expect(start).rejects.toMatchObject({ code: 'cancelled' })
    expect((await orchestra.list()).items).toEqual([])
  })

  it.each<[string, object, string]>([
    ['a team and a topology', { team: 'notes', topology: notes }, 'team and topology are there'],
    ['a team and an agent', { team: 'notes', agent: echo }, 'team and agent are there'],
    ['all three', { team: 'notes', agent: echo, topology: notes }, 'team and agent and topology are there'],
    ['none of the three', {}, 'none of them is there'],
  ])('A start with %s is rejected and names the three.', async (_, spec, problem) => {
    const error = await (await orchestraOf()).start({ task: 'a', ...spec } as StartSpec).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(`exactly one of team, agent and topology; ${problem}`)
  })

  it.each<[string, object, string]>([
    ['team', { team: 'note' }, 'The troupe has no team note; it has notes, Echo, Upper; the nearest is notes.'],
    ['agent', { agent: 'Ecko' }, 'The troupe has no agent Ecko; it has Echo, Upper; the nearest is Echo.'],
  ])('A start with an unknown %s is rejected with the nearest name.', async (_, spec, message) => {
    const error = await (await orchestraOf()).start({ task: 'a', ...spec } as StartSpec).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ code: 'team.unknown', message })
  })

  it.each<[string, object, string]>([
    ['a definition as team', { team: notes }, 'pass a definition as topology'],
    ['a name as topology', { topology: 'notes' }, "pass the name of a team as team: 'notes'"],
    ['an agent that is not an agent', { agent: {} }, 'as defineAgent and new LlmAgent make them'],
  ])('A start with %s is rejected with what to pass instead.', async (_, spec, problem) => {
    const starting = (await orchestraOf()).start({ task: 'a', ...spec } as unknown as StartSpec)
    await expect(starting).rejects.toThrow(problem)
  })

  it('A start is checked with its own configuration and troupe, also if the team has started before.', async () => {
    const team = defineTopology({
      agents: [new LlmAgent({ name: 'Clerk', model: 'fast' })],
      flows: ['Start -> Clerk', 'Clerk -> End'],
    })
    const known = await opened({ agents: [], models: { registry: { fast: 'offline/extractive' } } })
    const unknown = await opened({ agents: [], models: { registry: { slow: 'offline/extractive' } } })
    const rejected = { code: 'topology.rejected' }
    const start = async (troupe: Troupe, config?: RunConfig) =>
      (await troupe.user('ada').orchestra.start({ task: 'a', topology: team, ...(config ? { config } : {}) })).result()
    const wrong: RunConfig = { policy: [{ tool: 'sent', do: 'ask' }] }
    for (let time = 0; time < 2; time++) {
      expect(await start(known)).toMatchObject({ status: 'completed' })
      await expect(start(known, wrong)).rejects.toMatchObject(rejected)
      await expect(start(unknown)).rejects.toMatchObject(rejected)
    }
  })

  it('A start is checked with a tool that an agent got after an earlier start.', async () => {
    const clerk = new LlmAgent({ name: 'Clerk', model: 'offline/extractive', deny: ['pay'] })
    const team = defineTopology(pipe(bad('First'), clerk))
    const { orchestra } = (await opened()).user('ada')
    expect(await orchestra.run({ task: 'a', topology: team })).toMatchObject({ status: 'failed' })
    clerk.addTool(defineTool({ name: 'pay', description: 'Pays.', inputSchema: z.object({}), execute: () => 1 }))
    await expect(orchestra.start({ task: 'a', topology: team })).rejects.toMatchObject({ code: 'topology.rejected' })
  })

  it('A start is checked with each new agent of an equal topology.', async () => {
    const { orchestra } = (await opened({ agents: [], models: { registry: { fast: 'offline/extractive' } } })).user(
      'ada',
    )
    const first = new LlmAgent({ name: 'First', model: 'fast' })
    const start = (model: string) =>
      orchestra.run({ task: 'a', topology: pipe(first, new LlmAgent({ name: 'Second', model })) })
    for (let time = 0; time < 2; time++) {
      expect(await start('fast')).toMatchObject({ status: 'completed' })
      await expect(start('slow')).rejects.toMatchObject({ code: 'topology.rejected' })
    }
  })

  it('The types of a start accept exactly one of team, agent and topology.', () => {
    const one: readonly StartSpec[] = [
      { task: 1, team: 'notes' },
      { task: 1, agent: echo },
      { task: 1, topology: notes },
    ]
    // @ts-expect-error two of them
    const two: StartSpec = { task: 1, team: 'notes', agent: 'Echo' }
    // @ts-expect-error none of them
    const none: StartSpec = { task: 1 }
    expect([...one, two, none]).toHaveLength(5)
  })
})

describe('the other calls that name a team', () => {
  it('orchestra.check takes the name of a team, an agent and a topology.', async () => {
    const orchestra = await orchestraOf()
    expect(await orchestra.check('notes')).toEqual([])
    expect(await orchestra.check(echo)).toEqual([])
    expect(await orchestra.check(notes)).toEqual([])
    await expect(orchestra.check('none')).rejects.toMatchObject({ code: 'team.unknown' })
  })

  it('ctx.startRun takes the name of a registered team.', async () => {
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: string, ctx) => {
        const child = await ctx.startRun({ task: input, team: 'notes' })
        return finish((await child.result()).response as string)
      },
    })
    const troupe = await opened({ agents: [echo, upper, lead], teams: { notes } })
    const run = await troupe.user('ada').orchestra.run({ task: 'x', agent: 'Lead' })
    expect(run).toMatchObject({ status: 'completed', response: 'ECHO X' })
  })

  it('A schedule takes a team, or an agent by its name or its definition.', async () => {
    const troupe = await opened({ agents: [echo], teams: { notes } })
    const { schedules } = troupe.user('ada')
    const every = '1d'
    expect(await schedules.create({ id: 'team', team: 'notes', every })).toMatchObject({ team: 'notes' })
    expect(await schedules.create({ id: 'agent', agent: 'Echo', every })).toMatchObject({ agent: 'Echo' })
    const own = await schedules.create({ id: 'own', agent: upper, task: 'x', every })
    expect(own).toMatchObject({ agents: ['Upper'] })
    expect(await (await schedules.trigger('own')).result()).toMatchObject({ response: 'X' })
    await expect(schedules.create({ id: 'none', team: 'note', every })).rejects.toMatchObject({ code: 'team.unknown' })
    const two = { id: 'two', team: 'notes', agent: 'Echo', every } as unknown as Parameters<typeof schedules.create>[0]
    await expect(schedules.create(two)).rejects.toThrow('exactly one of team, agent and topology')
  })

  it('An evaluation takes a team in place of the one that ran.', async () => {
    const orchestra = await orchestraOf()
    await orchestra.run({ id: 'past', task: 'a', team: 'notes' })
    const { runs } = await orchestra.evaluate({ runs: ['past'], change: { team: 'Echo' }, score: 'exact' })
    expect(runs).toMatchObject([{ response: 'echo a' }])
  })

  it('A run of a team by its name is listed under the name.', async () => {
    const orchestra = await orchestraOf()
    await orchestra.run({ id: 'one', task: 'a', team: 'notes' })
    await orchestra.run({ id: 'two', task: 'a', agent: echo })
    expect((await orchestra.list({ team: 'notes' })).items.map(({ id }) => id)).toEqual(['one'])
    expect((await orchestra.list({ team: 'Echo' })).items.map(({ id }) => id)).toEqual(['two'])
  })
})
