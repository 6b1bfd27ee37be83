import { expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { team } from '../core/teams.test.fixture.ts'
import { finish, type Script, World } from '../topology/world.test.fixture.ts'
import { explain, type Held } from './explain.ts'
import { PastRun } from './past-run.ts'

/** A run of one agent that goes on for a minute. */
const begun = (script: Script = () => finish(1, 60_000)) =>
  new World(team('A', ['Start -> A', 'A -> End']), { A: script })

function said(world: World, about: string, held?: Held): string {
  let first = 1
  const records = world.records.map(({ input, events }) => {
    const record = { input, events, first }
    first += events.length
    return record
  })
  const { status, reason = null } = world.result
  return explain(new PastRun('run', records), { status, reason }, world.now + 5_000, held)
    .sentences.filter((sentence) => sentence.about === about)
    .map(({ text }) => text)
    .join('\n')
}
const waits = (world: World, reason: 'uncertain' | 'code.changed' | 'parked', detail?: Json) => {
  world.take({ at: world.now, type: 'step.waiting', step: '1#1', reason, ...(detail === undefined ? {} : { detail }) })
  return world
}

it('why names the effect that nobody knows about, and the code that fits no more', () => {
  expect(said(waits(begun(), 'uncertain', { effect: 'pay', call: '/effect:pay#1' }), 'waits')).toMatch(
    /Nobody knows whether the effect pay of A \(1#1\) happened.*run\.settle\(\)/,
  )
  expect(said(waits(begun(), 'code.changed', { problem: 'it asks for another' }), 'waits')).toContain(
    'The code of A no longer fits the record of 1#1: it asks for another.',
  )
})

it('why says who is at work, and what is waited for outside', () => {
  expect(said(begun(), 'waits')).toBe('A is at work on 1#1, for 5s.')
  expect(said(waits(begun(), 'parked'), 'waits')).toBe('A (1#1) waits for a reply from outside the run, for 5s.')
  const below = new Map([['c', { status: 'waiting', reason: 'paused' }]])
  const held = { takeOvers: 0, owner: 'host/17', elsewhere: false, below }
  expect(said(waits(begun(), 'parked', ['/run:c#1', '/run:d#1']), 'waits', held)).toBe(
    `A (1#1) waits for the run c that it started, and that is waiting (paused): ask why of that one, for 5s.
A (1#1) waits for the run d that it started, for 5s.`,
  )
})

it('why says who has taken a run over, and who carries it on', () => {
  const held = { takeOvers: 2, owner: 'host/17', elsewhere: true }
  expect(said(begun(), 'taken over', held)).toContain('taken up anew 2 times, after a restart, a crash or a wait')
  expect(said(begun(), 'elsewhere', held)).toBe(
    'Another process, host/17, carries it on: what it is told is handed there.',
  )
  expect(said(begun(), 'taken over', { ...held, takeOvers: 1 })).toContain('anew once')
  expect(said(begun(), 'taken over', { ...held, takeOvers: 0 })).toBe('')
})
