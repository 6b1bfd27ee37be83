import { expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { team } from '../../machine/machine-teams.test.fixture.ts'
import { type AgentStub, finish, MachineTestbed } from '../../machine/machine-testbed.test.fixture.ts'
import { PastRun } from '../past-run.ts'
import { explain, type OwnershipState } from './explain.ts'

/** A run of one agent that goes on for a minute. */
const begun = (stub: AgentStub = () => finish(1, 60_000)) =>
  new MachineTestbed(team('A', ['Start -> A', 'A -> End']), { A: stub })

function explanationOf(testbed: MachineTestbed, about: string, ownership?: OwnershipState): string {
  let first = 1
  const records = testbed.records.map(({ input, events }) => {
    const record = { input, events, first }
    first += events.length
    return record
  })
  const { status, reason = null } = testbed.result
  return explain(new PastRun('run', records), { status, reason }, testbed.now + 5_000, ownership)
    .sentences.filter((line) => line.about === about)
    .map(({ text }) => text)
    .join('\n')
}
const waits = (testbed: MachineTestbed, reason: 'uncertain' | 'code.changed' | 'parked', detail?: Json) => {
  testbed.apply({
    at: testbed.now,
    type: 'step.waiting',
    step: '1#1',
    reason,
    ...(detail === undefined ? {} : { detail }),
  })
  return testbed
}

it('An explanation of a waiting run names an uncertain effect, and code that no longer fits the record.', () => {
  expect(explanationOf(waits(begun(), 'uncertain', { effect: 'pay', call: '/effect:pay#1' }), 'waits')).toMatch(
    /Whether the effect pay of A \(1#1\) happened has been unknown for 5 s: .*run\.resolve\(\)/,
  )
  expect(explanationOf(waits(begun(), 'code.changed', { problem: 'it asks for another' }), 'waits')).toContain(
    'The code of A no longer fits the record of 1#1: it asks for another.',
  )
})

it('An explanation of a waiting run names the agent at work, and the child runs that it waits for.', () => {
  expect(explanationOf(begun(), 'waits')).toBe('A has executed 1#1 for 5 s.')
  expect(explanationOf(waits(begun(), 'parked'), 'waits')).toBe(
    'A (1#1) waits for a reply from outside the run, for 5 s.',
  )
  const childStates = new Map([['c', { status: 'waiting', reason: 'paused' }]])
  const ownership = { takeovers: 0, owner: 'host/17', isOwnedByOther: false, childStates }
  expect(explanationOf(waits(begun(), 'parked', ['/run:c#1', '/run:d#1']), 'waits', ownership)).toBe(
    `A (1#1) waits for the run c that it started, and that is waiting (paused): ask why of that one, for 5 s.
A (1#1) waits for the run d that it started, for 5 s.`,
  )
})

it('An explanation of a takeover names the owner, and counts the takeovers.', () => {
  const ownership = { takeovers: 2, owner: 'host/17', isOwnedByOther: true }
  expect(explanationOf(begun(), 'takeover', ownership)).toContain(
    'After a restart, a crash or a wait it was claimed by another process 2 times',
  )
  expect(explanationOf(begun(), 'other-process', ownership)).toBe(
    'Another process, host/17, owns it: commands are passed on to it.',
  )
  expect(explanationOf(begun(), 'takeover', { ...ownership, takeovers: 1 })).toContain('another process once')
  expect(explanationOf(begun(), 'takeover', { ...ownership, takeovers: 0 })).toBe('')
})
