import { expect, it } from 'vitest'
import { StateMachine } from './state-machine.ts'

const machine = () =>
  new StateMachine({
    initial: 'idle',
    transitions: { idle: ['processing'], processing: ['completed', 'error'], error: ['idle'], completed: [] },
  })

it('makes the transitions of its table, remembers and tells them', () => {
  const m = machine()
  const seen: unknown[] = []
  const off = m.on('change', (change) => seen.push(change))
  expect(m.can('processing')).toBe(true)
  expect(m.transition('processing')).toBe('processing')
  off()
  m.transition('completed')
  expect(m.state).toBe('completed')
  expect(m.history).toEqual([
    { from: 'idle', to: 'processing' },
    { from: 'processing', to: 'completed' },
  ])
  expect(seen).toEqual([{ from: 'idle', to: 'processing' }])
})
it('refuses what is not in its table and stays where it is', () => {
  const m = machine()
  expect(m.can('completed')).toBe(false)
  expect(() => m.transition('completed')).toThrowError(
    expect.objectContaining({ name: 'InvalidTransitionError', code: 'transition.invalid' }),
  )
  expect(() => m.transition('toString' as never)).toThrow(/no transition/)
  expect(m.state).toBe('idle')
  expect(m.history).toEqual([])
})
it('refuses an initial state that nothing names', () => {
  expect(() => new StateMachine<string>({ initial: 'asleep', transitions: { idle: ['busy'] } })).toThrow(/asleep/)
})
