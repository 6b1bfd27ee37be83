/** The states of a run at its events, folded from stored ones. */
import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../src/api/shapes.ts'
import { PastStates } from '../src/past-states.ts'
import { fold, nothingYet } from '../src/run-state.ts'

/** Counts the events that are read. */
class CountedEvents extends Array<RunEvent> {
  read = 0

  override slice(from?: number, to?: number): RunEvent[] {
    const found = Array.from(this).slice(from, to)
    this.read += found.length
    return found
  }
}

/** Returns the events of branches that each have one step, which starts and completes. */
function eventsOf(branches: number): CountedEvents {
  const events = new CountedEvents()
  for (let i = 0; i < branches; i++) {
    const common = { path: [], step: `${i}#1`, branch: `${i}`, node: 'A', agent: 'A' } as const
    events.push(
      { ...common, seq: 2 * i + 1, at: i, type: 'step.started' } as unknown as RunEvent,
      { ...common, seq: 2 * i + 2, at: i, type: 'step.completed', outcome: i } as unknown as RunEvent,
    )
  }
  return events
}

describe('The states of a run at its events', () => {
  test('The state at an event is that of all events until then, in whatever order the events are visited.', () => {
    const events = eventsOf(2_500)
    const states = new PastStates(events)
    for (const index of [4_100, 0, 1_998, 1_999, 2_000, 4_999, 3_999, 4_000])
      expect(states.at(index)).toEqual(fold(nothingYet, Array.from(events).slice(0, index + 1)))
  })

  test('A move by one event reads a small part of the events of a long run.', () => {
    const events = eventsOf(25_000)
    const states = new PastStates(events)
    states.at(events.length - 1)
    events.read = 0
    for (let index = events.length - 2; index >= events.length - 12; index--) states.at(index)
    expect(events.read / 11).toBeLessThan(2_500)
  })

  test('The state at an event that has arrived later contains it.', () => {
    const events = eventsOf(10)
    const states = new PastStates(events)
    states.at(19)
    for (const event of eventsOf(3_000).slice(20)) events.push(event)
    expect(states.at(5_999).steps.size).toBe(3_000)
  })
})
