/** Commands and time limits that end or pause a run while it cleans up between two attempts. */
import { expect, it } from 'vitest'
import type { RunConfig } from '../../../topology/canonical/run-config.ts'
import { drawn, slow } from '../machine-teams.test.fixture.ts'
import { fails, MachineTestbed, value } from '../machine-testbed.test.fixture.ts'

const notifying = drawn({ A: 'A', B: 'B', C: 'C' }, [
  ['Start', 'A', 'invoke'],
  ['A', 'B', 'invoke'],
  ['A', 'C', 'notify'],
  ['B', 'End', 'invoke'],
])

/** Each attempt fails at once, and then waits 5 s for a step that stops slowly. @returns the run 1 s after its start */
const cleaningUp = (config: RunConfig = {}) =>
  new MachineTestbed(
    notifying,
    { A: () => value(1), B: () => fails('no'), C: slow(60_000, 5_000) },
    { retry: { attempts: 3, backoff: '1s' }, ...config },
  ).run(2_000)

it('A cancel ends a run that cleans up before its next attempt.', () => {
  const testbed = cleaningUp()
  testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })
  expect(testbed.apply({ at: testbed.now, type: 'cancel', by: 'bob' })).toEqual([])
  expect(testbed.runUntilIdle().of('run.cancelled')).toMatchObject([{ by: 'ada' }])
  expect(testbed.of('run.retried')).toEqual([])
})

it('The time limit of a run holds while the run cleans up before its next attempt.', () => {
  const { result } = cleaningUp({ timeouts: { run: '3s' } }).runUntilIdle()
  expect(result).toMatchObject({ status: 'failed', durationMs: 5_000, error: { details: { kind: 'run' } } })
})

it('A pause of a run that cleans up before its next attempt holds that attempt until the run resumes.', () => {
  const testbed = cleaningUp()
  testbed.apply({ at: testbed.now, type: 'pause', by: 'ada' })
  expect(testbed.runUntilIdle().result).toMatchObject({ status: 'waiting', reason: 'paused' })
  testbed.apply({ at: testbed.now, type: 'resume', by: 'ada' })
  expect(testbed.runUntilIdle().result.error?.code).toBe('retries.exhausted')
})

it('A pause at a breakpoint of a failed attempt does not hold the next attempt.', () => {
  const testbed = cleaningUp()
  const breakpoint = { on: 'error', step: '1#1', agent: 'C', run: 'child' } as const
  testbed.apply({ at: testbed.now, type: 'pause', by: 'breakpoint', breakpoint })
  expect(testbed.runUntilIdle().result.status).toBe('failed')
})

it('A cancel or a pause of a run that fails in its last attempt changes nothing.', () => {
  const testbed = cleaningUp({ retry: { attempts: 1 } })
  expect(testbed.apply({ at: testbed.now, type: 'pause', by: 'ada' })).toEqual([])
  expect(testbed.apply({ at: testbed.now, type: 'cancel', by: 'ada' })).toEqual([])
  expect(testbed.runUntilIdle().result).toMatchObject({ status: 'failed', error: { message: 'no' } })
})
