import { expect, test } from 'vitest'
import type { WriterFailure } from '../../writer-port.ts'
import { WriteState } from './write-state.ts'

const failureOf = (problem: WriterFailure['problem']): WriterFailure => ({ ok: false, problem, message: 'EIO' })

function watched() {
  const state = new WriteState('shop.db')
  const states: string[] = []
  state.on((now) => states.push(now.state))
  return { state, states }
}

test('A write state is open at first and accepts changes.', () => {
  const { state } = watched()
  expect(state.current).toEqual({ state: 'open' })
  expect(() => state.check()).not.toThrow()
})

test.each([
  ['full', 'full', 'storage.full'],
  ['io', 'failed', 'storage.io'],
  ['dead', 'failed', 'storage.io'],
  ['corrupt', 'failed', 'storage.corrupt'],
  ['read_only', 'failed', 'storage.read_only'],
] as const)('After the failure %s a write state is %s and rejects changes with %s.', (problem, expected, code) => {
  const { state, states } = watched()
  state.fail(failureOf(problem))
  expect(states).toEqual([expected])
  expect(state.current.problem).toContain('shop.db')
  expect(() => state.check()).toThrow(expect.objectContaining({ code }))
  state.reopen()
  expect(states).toEqual([expected, 'open'])
  expect(() => state.check()).not.toThrow()
})

test('A write state notifies its listeners of the same failure once, and of another one again.', () => {
  const { state, states } = watched()
  state.fail(failureOf('io'))
  state.fail(failureOf('io'))
  state.fail(failureOf('full'))
  expect(states).toEqual(['failed', 'full'])
})

test('A closed write state stays closed.', () => {
  const { state, states } = watched()
  state.close()
  state.fail(failureOf('io'))
  state.reopen()
  expect(states).toEqual(['closed'])
  expect(() => state.check()).toThrow(expect.objectContaining({ code: 'troupe.closed' }))
})
