import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { defineTopology } from '../topology/define-topology.ts'
import { fails, finish, type Script, value, World } from '../topology/world.test.fixture.ts'
import { decide } from './decide.ts'
import { evolve } from './evolve.ts'
import type { Input } from './model.ts'
import type { RunConfig } from './read-config.ts'
import { readBreakOn, readConfig } from './read-config.ts'
import { loadState, saveState } from './snapshot.ts'
import { createState } from './state.ts'
import { team } from './teams.test.fixture.ts'

const line = (config: RunConfig, scripts: Record<string, Script> = {}, flows = ['A -> B', 'B -> C']) =>
  new World(
    team('A B C', flows),
    { A: (i) => value(`${i}>A`), B: (i) => value(`${i}>B`), C: (i) => finish(`${i}>C`), ...scripts },
    config,
  ).settle()
const told = (world: World, input: Record<string, unknown>) =>
  world.take({ at: world.now, by: 'ada', ...input } as unknown as Input)
const goesOn = (world: World, steps?: number) => {
  told(world, { type: 'continue', ...(steps === undefined ? {} : { steps }) })
  return world.settle()
}
const at = (world: World) => world.state.breakpoint
const breakOn = (...all: readonly unknown[]): RunConfig => ({ debug: { breakOn: all as never } })

describe('a breakpoint', () => {
  it('before an agent stops the run once, and it goes on from there', () => {
    const world = line(breakOn({ agent: 'B' }))
    expect(world.result).toMatchObject({ status: 'waiting', reason: 'breakpoint', totalSteps: 1 })
    expect(at(world)).toEqual({ on: 'agent', step: '1#2', agent: 'B' })
    expect(goesOn(world).result).toMatchObject({ status: 'completed', response: 'go>A>B>C' })
  })

  it('may be set while the run stands, in place of those it began with', () => {
    const world = line(breakOn({ agent: 'B' }))
    told(world, { type: 'break', breakOn: [{ on: 'agent', agent: 'C' }] })
    expect(at(goesOn(world))).toMatchObject({ agent: 'C' })
    told(world, { type: 'break', breakOn: [] })
    expect(loadState(saveState(world.state)).breakOn).toEqual([])
    expect(goesOn(world).result).toMatchObject({ status: 'completed' })
  })

  it('of a run below stops this one, and counts for none of its own steps', () => {
    const world = line(breakOn({ agent: 'B' }, { agent: 'C' }))
    const below = { on: 'agent', step: '1#3', agent: 'X', run: 'child' }
    expect(told(world, { type: 'pause', by: 'breakpoint', breakpoint: below })).toEqual([])
    expect(goesOn(world).state.breakpoint).toMatchObject({ step: '1#3', agent: 'C' })
    const other = line(breakOn({ agent: 'C' }))
    expect(goesOn(other).result.status).toBe('completed')
    const first = new World(
      team('A B', ['A -> B']),
      { A: () => ({ wait: 'child' }) as never, B: () => finish('end') },
      {},
    )
    told(first, { type: 'pause', by: 'breakpoint', breakpoint: below })
    expect(at(first)).toEqual(below)
    expect(first.state.broken.step).toBeUndefined()
  })

  it('at an event stops before the next step, once for each', () => {
    const world = line(breakOn({ seq: 1 }, { seq: 4 }))
    expect(at(world)).toMatchObject({ on: 'seq', step: '1#1' })
    expect(at(goesOn(world))).toMatchObject({ on: 'seq', step: '1#2' })
    expect(goesOn(world).result.status).toBe('completed')
  })

  it('lets a person give what a branch goes on with', () => {
    const world = line(breakOn({ agent: 'B' }))
    told(world, { type: 'branch.edited', branch: '1', input: 'edited' })
    expect(told(world, { type: 'branch.edited', branch: 'none', input: 1 })).toEqual([])
    expect(goesOn(world).result.response).toBe('edited>B>C')
    const entry = line(breakOn({ agent: 'A' }))
    told(entry, { type: 'branch.edited', branch: '1', input: 'other' })
    expect(goesOn(entry).result.response).toBe('other>A>B>C')
  })

  it('keeps who stood in, and who it came from, when an input is edited', () => {
    const world = line({ ...breakOn({ agent: 'C' }), onError: { '*': { agent: 'C' } } }, { A: () => fails('no') })
    told(world, { type: 'branch.edited', branch: '1', input: 'edited' })
    expect(world.of('branch.moved').at(-1)).toMatchObject({ standIn: true, from: 'A', input: 'edited' })
    expect(goesOn(world).result.response).toBe('edited>C')
  })

  it('on an error holds it: the run goes on with it, or with what is given instead', () => {
    const bad: Record<string, Script> = {
      B: () => ({ ...fails('no luck', 5), usage: { inputTokens: 3, outputTokens: 1 } }),
    }
    const held = line(breakOn('error'), bad)
    expect(held.result).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
    expect(at(held)).toEqual({ on: 'error', step: '1#2', agent: 'B' })
    // Nothing that is told of the step meanwhile changes that.
    expect(told(held, { type: 'step.resumed', step: '1#2' })).toEqual([])
    expect(told(held, { type: 'step.waiting', step: '1#2', reason: 'parked' })).toEqual([])
    expect(told(held, { type: 'step.edited', step: 'none', outcome: { kind: 'value', value: 1 } })).toEqual([])
    expect(goesOn(held).result).toMatchObject({ status: 'failed', usage: { inputTokens: 3 } })
    const edited = line(breakOn('error'), bad)
    told(edited, { type: 'step.edited', step: '1#2', outcome: { kind: 'value', value: 'by hand' } })
    expect(goesOn(edited).result).toMatchObject({
      status: 'completed',
      response: 'by hand>C',
      usage: { outputTokens: 1 },
    })
  })

  it('holds an outcome that is not possible, and takes a possible one instead', () => {
    const world = line(breakOn('error'), {
      B: () => ({ outcome: { kind: 'handOff', agent: 'A', input: 1 } }),
    })
    expect(at(world)).toMatchObject({ on: 'error' })
    told(world, { type: 'step.edited', step: '1#2', outcome: { kind: 'value', value: 'way out' } })
    expect(goesOn(world).result.response).toBe('way out>C')
  })

  it('keeps a failure through a snapshot, and lets a run be cancelled that stands there', () => {
    const world = line(breakOn('error'), { B: () => fails('no') })
    world.state = loadState(saveState(world.state))
    told(world, { type: 'cancel' })
    expect(world.settle().result.status).toBe('cancelled')
  })

  it('is none for guards, and for what is stopped anyway', () => {
    const guarded = line(breakOn('error'), { B: () => fails('again', 0, 'guard.repetition') })
    expect(guarded.result).toMatchObject({ status: 'failed', guard: { name: 'repetition' } })
    const world = new World(
      team('A B C', ['Start -> A', 'A => {B, C}']),
      {
        A: () => value(1),
        B: () => ({ ...value(1, 1_000), stopsAfter: 5 }),
        C: () => ({ ...value(1, 1_000), stopsAfter: 5 }),
      },
      breakOn('error'),
    ).run(2_000 - 500)
    told(world, { type: 'cancel' })
    expect(world.settle().result.status).toBe('cancelled')
  })

  it('before a call stops the run, and is passed when it goes on', () => {
    const asks: Script = () => ({
      ask: { kind: 'breakpoint', text: 'about to pay' },
      next: (answer) => value(answer as Json),
    })
    const world = line({}, { B: asks })
    expect(world.result).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
    const [question] = world.result.questions
    const paused = line({}, { B: asks })
    expect(goesOn(world).result).toMatchObject({ response: 'true>C' })
    // The run above stood there with it, and goes on.
    told(paused, { type: 'continue', by: 'parent' })
    expect(paused.settle().result).toMatchObject({ response: 'true>C' })
    const edited = line({}, { B: asks })
    edited.answer(question?.id ?? '', { result: 'given' })
    expect(goesOn(edited).result.status).toBe('completed')
    expect(edited.answer(question?.id ?? '', true)).toEqual([])
    const wrong = line({}, { B: asks })
    for (const value of [false, null, 'yes', {}]) expect(wrong.answer(question?.id ?? '', value)).toEqual([])
  })

  it('is passed step by step, requests that agents make of each other too', () => {
    const world = line(breakOn({ agent: 'A' }))
    expect(at(goesOn(world, 1))).toEqual({ on: 'step', step: '1#2', agent: 'B' })
    expect(world.calls.map(({ agent }) => agent)).toEqual(['A'])
    expect(at(goesOn(world, 1))).toMatchObject({ on: 'step', agent: 'C' })
    expect(goesOn(world).result.status).toBe('completed')
    const asking = line(breakOn({ agent: 'C' }), {
      B: () => ({ request: { to: 'C', payload: 'q' }, next: (answer) => value(answer as Json) }),
      C: (i) => value(`${i}!`),
    })
    expect(at(asking)).toMatchObject({ on: 'agent', agent: 'C' })
    expect(at(goesOn(asking))).toMatchObject({ on: 'agent', step: '1#3' })
    expect(goesOn(asking).result.status).toBe('completed')
  })

  it('while the run is paused by somebody is a failure held, and no second pause', () => {
    const world = new World(
      team('A B C', ['A -> B', 'B -> C']),
      { A: () => fails('no', 100), B: () => value(1), C: () => value(1) },
      breakOn('error'),
    )
    told(world, { type: 'pause' })
    expect(world.settle().result).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(goesOn(world).result.status).toBe('failed')
  })

  it('replays as it was', () => {
    const world = line(breakOn('error', { agent: 'B' }), { B: () => fails('no') })
    goesOn(world)
    goesOn(world)
    const state = world.records.reduce((state, { input, events }) => {
      expect(decide(state, input)).toEqual(events)
      return events.reduce(evolve, state)
    }, createState())
    expect(saveState(state)).toEqual(saveState(world.state))
  })
})

it('what debug takes is checked', () => {
  const { canonical } = defineTopology(team('A Bobbi B', ['A -> Bobbi', 'Bobbi -> B']))
  expect(readBreakOn({ agent: 'Anybody' })).toEqual([{ on: 'agent', agent: 'Anybody' }])
  const read = (debug: unknown) => () => readConfig({ debug } as never, canonical).debug
  expect(read({ breakOn: ['error', { tool: 'pay' }, { agent: 'B' }, { agent: 'Elsewhere' }] })()).toEqual({
    breakOn: [
      { on: 'error' },
      { on: 'tool', tool: 'pay' },
      { on: 'agent', agent: 'B' },
      { on: 'agent', agent: 'Elsewhere' },
    ],
  })
  expect(read({ breakOn: 'error' })()).toEqual({ breakOn: [{ on: 'error' }] })
  for (const wrong of [
    {},
    { breakOn: 'errors' },
    { breakOn: null },
    { breakOn: { agent: 'Bobby' } },
    { breakOn: { agent: '' } },
    { breakOn: { seq: 0 } },
    { breakOn: { step: 1 } },
    { on: 'error' },
  ])
    expect(read(wrong)).toThrow()
})
