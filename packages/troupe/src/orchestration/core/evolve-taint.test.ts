import { describe, expect, it } from 'vitest'
import type { Json, TaintLabel } from '../../core/index.ts'
import {
  fails,
  finish,
  handOff,
  invoke,
  type Play,
  resultsIn,
  type Script,
  value,
  World,
} from '../topology/world.test.fixture.ts'
import type { Input } from './model.ts'
import { team } from './teams.test.fixture.ts'

const web: TaintLabel = 'untrusted:web'
const payroll: TaintLabel = 'sensitive:payroll'
const reading =
  (play: Play, ...reads: TaintLabel[]): Script =>
  () => ({ ...play, reads })
const taintOf = (world: World, agent: string, n = 0) => world.calls.filter((c) => c.agent === agent)[n]?.command.taint

describe('taint in a run', () => {
  it('goes from the task to every step and to the result', () => {
    const scripts = { A: () => value(1), B: () => finish(2) }
    const world = new World(team('A B', ['A -> B']), scripts, {}, 'go', [web]).settle()
    expect([taintOf(world, 'A'), taintOf(world, 'B'), world.result.taint]).toEqual([[web], [web], [web]])
  })

  it('is nowhere where nothing is tainted', () => {
    const world = new World(team('A B', ['A -> B']), { A: () => value(1), B: () => finish(2) }).settle()
    expect(world.result).not.toHaveProperty('taint')
    expect(JSON.stringify(world.events)).not.toContain('taint')
  })

  it('meets where branches meet, and not before', () => {
    const flows = ['Lead <-> B', 'Lead <-> C', 'Lead -> End']
    const scripts = {
      Lead: (input: Json) => (resultsIn(input) ? finish('both') : invoke(['B', 1], ['C', 2])),
      B: reading(value('b'), web),
      C: reading(value('c', 10), payroll),
    }
    const world = new World(team('Lead B C', ['Start -> Lead', ...flows]), scripts).settle()
    expect([taintOf(world, 'B'), taintOf(world, 'C')]).toEqual([undefined, undefined])
    expect(taintOf(world, 'Lead', 1)).toEqual([payroll, web])
    expect(world.result.taint).toEqual([payroll, web])
  })

  it('meets at a node where branches of one scope meet', () => {
    const flows = ['Start -> A', 'A => {B, C}', '{B, C} -> M', 'M -> End']
    const scripts = {
      A: () => value(1),
      B: reading(value('b'), web),
      C: reading(value('c', 10), payroll),
      M: () => finish('met'),
    }
    const world = new World(team('A B C M', flows), scripts).settle()
    expect(world.of('barrier.fired')).toHaveLength(1)
    expect([taintOf(world, 'M'), world.result.taint]).toEqual([
      [payroll, web],
      [payroll, web],
    ])
  })

  it('goes to who is only told, and no step of whom arrives anywhere', () => {
    const flows = ['Lead <-> B', 'Lead -> C', 'Lead -> End']
    const scripts = {
      Lead: (input: Json) => (resultsIn(input) ? finish('both') : invoke(['B', 1], ['C', 2])),
      B: () => value('b'),
      C: () => value('c'),
    }
    const edges = { 'Lead -> C': { type: 'notify' as const } }
    const world = new World(team('Lead B C', ['Start -> Lead', ...flows], { edges }), scripts, {}, 'go', [web])
    expect(world.settle().result.taint).toEqual([web])
    expect([taintOf(world, 'B'), taintOf(world, 'C'), taintOf(world, 'Lead', 1)]).toEqual([[web], [web], [web]])
  })

  it('goes with a request to who serves it, and with the answer back to who asked', () => {
    const asking: Play = { request: { to: 'B', payload: 1 }, next: () => value('answered'), reads: [web] }
    const scripts = { A: () => asking, B: reading(value('served'), payroll) }
    const world = new World(team('A B', ['A -> B']), scripts).settle()
    expect(taintOf(world, 'B')).toEqual([web])
    expect(world.of('answer.sent')[0]).toMatchObject({ taint: [payroll, web] })
    expect(world.of('step.completed').find(({ agent }) => agent === 'A')).toMatchObject({ taint: [payroll, web] })
  })

  it('comes with what a person says', () => {
    const asking: Play = { ask: { kind: 'question', text: '?' }, next: (answer) => finish(answer as Json) }
    const world = new World(team('A', ['A -> End']), { A: () => asking }).settle()
    world.answer(String(world.result.questions[0]?.id), 'yes', ['untrusted:person'])
    expect(world.settle().result).toMatchObject({ status: 'completed', taint: ['untrusted:person'] })
  })

  it('comes with failures too, to whoever stands in, and with a budget that was refused', () => {
    const failing: Script = () => ({ ...fails('no'), reads: [web] })
    const config = { onError: { '*': { agent: 'B' } } }
    const world = new World(team('A B', ['A -> B']), { A: failing, B: () => finish('instead') }, config).settle()
    expect(taintOf(world, 'B')).toEqual([web])
    const refused = new World(team('A', ['A -> End']), { A: () => value(1, 5) })
    const budget = { budget: 'tokens', used: 2, limit: 1 }
    refused.take({ at: refused.now, type: 'budget.refused', step: '1#1', ...budget, taint: [web] })
    expect(refused.result).toMatchObject({ status: 'failed', taint: [web] })
  })

  it('stays where a person gives a value in place of a failure', () => {
    const failing: Script = () => ({ ...fails('no'), reads: [web] })
    const config = { debug: { breakOn: ['error' as const] } }
    const world = new World(team('A B', ['A -> B']), { A: failing, B: () => finish(2) }, config).settle()
    const outcome = { kind: 'value', value: 'edited' } as const
    world.take({ at: world.now, type: 'step.edited', step: '1#1', outcome, by: 'ada' })
    world.take({ at: world.now, type: 'continue', by: 'ada' } as Input)
    expect(world.settle().result.status).toBe('completed')
    expect(taintOf(world, 'B')).toEqual([web])
  })

  it('ends where a step vouches for what it goes on with', () => {
    const scripts = {
      A: reading(value(1), web),
      B: () => ({ ...value(2), vouches: true }),
      C: () => handOff('D', 3),
      D: () => finish(4),
    }
    const world = new World(team('A B C D', ['A -> B', 'B -> C', 'C -> D']), scripts, {}, 'go', [payroll]).settle()
    expect(taintOf(world, 'B')).toEqual([payroll, web])
    expect([taintOf(world, 'C'), taintOf(world, 'D'), world.result.taint]).toEqual([undefined, undefined, undefined])
  })

  it('has as many sources as it may, and one for all that are more', () => {
    const reads = Array.from({ length: 40 }, (_, i): TaintLabel => `untrusted:source${i}`)
    const world = new World(team('A', ['A -> End']), { A: reading(finish(1), ...reads) }).settle()
    expect(world.result.taint).toHaveLength(16)
    expect(world.result.taint).toContain('untrusted:*')
  })
})
