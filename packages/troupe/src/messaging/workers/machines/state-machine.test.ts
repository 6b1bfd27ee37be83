import { expect, it } from 'vitest'
import { StateMachine } from './state-machine.ts'

const machine = () =>
  new StateMachine({
    initial: 'idle',
    transitions: { idle: ['processing'], processing: ['completed', 'error'], error: ['idle'], completed: [] },
  })

it('A state machine makes the transitions of its table, and records and emits them.', () => {
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
it('A state machine rejects a transition that its table lacks, and stays in its state.', () => {
  const m = machine()
  expect(m.can('completed')).toBe(false)
  expect(() => m.transition('completed')).toThrowError(
    expect.objectContaining({ name: 'InvalidTransitionError', code: 'transition.invalid' }),
  )
  expect(() => m.transition('toString' as never)).toThrow(/no transition/)
  expect(m.state).toBe('idle')
  expect(m.history).toEqual([])
})
it('A state machine rejects a transition to what is no text.', () => {
  for (const to of [5, null, undefined, ['busy']]) {
    const transitions = { idle: [to as unknown as 'idle'] }
    expect(() => new StateMachine({ initial: 'idle', transitions })).toThrow(
      /The transitions from idle .* is not a text/,
    )
  }
})
it('A state machine rejects an initial state that no transition names.', () => {
  expect(() => new StateMachine<string>({ initial: 'asleep', transitions: { idle: ['busy'] } })).toThrow(/asleep/)
})
