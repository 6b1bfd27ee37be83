import { describe, expect, it } from 'vitest'
import type { StepState } from './step-data.ts'
import { transitionOf } from './step-table.ts'
import type { TriggerName } from './trigger.ts'

const states = ['loading', 'running', 'completing', 'stopping', 'backoff', 'parked', 'ended'] as const

/**
 * For each trigger the cells in the order of the states: `-` is ignored, `!` is impossible, `=` stays in the state, and
 * anything else names the states that the action may lead to.
 */
const cells: { readonly [Name in TriggerName]: readonly string[] } = {
  loaded: ['running completing ended', '!', '!', '!', '!', '!', '-'],
  called: ['-', '=', '=', '-', '-', 'running', '-'],
  programEnded: ['-', 'completing', '-', '=', '-', 'running completing', '-'],
  callFailed: ['-', 'stopping', 'stopping', '-', '-', 'running stopping', '-'],
  committed: ['!', '=', 'ended', 'ended', '!', '!', '-'],
  rejected: ['!', 'stopping', 'stopping', '=', '!', '!', '-'],
  invalid: ['!', 'stopping', 'stopping', '=', '!', '!', '-'],
  headLost: ['ended', 'stopping', 'stopping', '=', '-', '-', '-'],
  headRead: ['!', '!', '!', 'ended', '!', '!', '-'],
  recorded: ['!', '!', '!', 'backoff completing ended', '!', '!', '-'],
  recordRejected: ['!', '!', '!', 'ended', '!', '!', '-'],
  inboxRead: ['-', '=', '-', '-', '-', 'running', '-'],
  arrival: ['=', '=', '-', '-', '-', '=', '-'],
  execute: ['-', '-', '-', '-', '-', 'running', '-'],
  tick: ['-', 'parked', '=', '-', '-', '-', '-'],
  timer: ['-', 'stopping', 'stopping', '=', 'loading', '-', '-'],
  stop: ['=', 'stopping', 'stopping', '=', 'ended', 'running stopping', '-'],
  drain: ['=', 'stopping', 'stopping', '=', 'ended', 'ended', '-'],
  drop: ['-', '-', '-', '-', '-', 'ended', '-'],
  forget: ['ended', 'ended', 'ended', 'ended', 'ended', 'ended', '-'],
  broken: ['ended', 'ended', 'ended', 'ended', 'ended', 'ended', '-'],
}

const rows = Object.entries(cells).flatMap(([on, row]) =>
  states.map((state, i) => [on as TriggerName, state, row[i] as string] as const),
)

function cellOf(state: StepState, on: TriggerName): string {
  const transition = transitionOf(state, on)
  if (!transition) return '-'
  return transition.to.length === 0 ? '=' : transition.to.join(' ')
}

describe('The machine of a step', () => {
  it.each(rows.filter(([, , cell]) => cell !== '!'))('The input %s leads a step in %s to: %s.', (on, state, cell) => {
    expect(cellOf(state, on)).toBe(cell)
  })

  it.each(rows.filter(([, , cell]) => cell === '!'))(
    'The machine of a step throws `invariant.broken` for %s in %s.',
    (on, state) => {
      expect(() => transitionOf(state, on)).toThrow(
        expect.objectContaining({
          code: 'invariant.broken',
          message: expect.stringMatching(new RegExp(`${state}.*${on}`)),
        }),
      )
    },
  )
})
