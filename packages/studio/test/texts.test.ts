/** Texts that the studio makes of records: events, details of health checks, and the fields that differ between two of them. */
import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../src/api/shapes.ts'
import { checkDetails, checkName } from '../src/parts/check-details.ts'
import { differences } from '../src/parts/first-difference.ts'
import { eventText } from '../src/views/event-text.ts'

const textOf = (event: object) => eventText({ at: 0, seq: 1, path: [], ...event } as unknown as RunEvent)

describe('The texts of the studio', () => {
  it('An event says what it is about in a few words, and an event without a text of its own its fields.', () => {
    expect(textOf({ type: 'step.failed', error: { code: 'agent.failed', message: 'no luck' } })).toBe('no luck')
    expect(textOf({ type: 'step.started', branch: '1', attempt: 2 })).toBe('in branch 1, attempt 2')
    expect(textOf({ type: 'step.completed', outcome: { kind: 'value', value: 'done' } })).toBe('with “done”')
    expect(textOf({ type: 'question.asked', ask: { text: 'Which tea?' } })).toBe('“Which tea?”')
    expect(textOf({ type: 'guard.tripped', guard: { name: 'steps', used: 5, limit: 5 } })).toBe('steps at 5 of 5')
    expect(textOf({ type: 'child.waiting', child: 'c', reason: 'question' })).toBe('child c, reason question')
    expect(textOf({ type: 'run.started', task: '\u202eBob' })).toBe('“\\u{202e}Bob”')
  })

  it('The details of a health check have words and units, and leave out what is empty.', () => {
    expect(checkDetails({ worstMs: 1.319 })).toBe('longest delay 1 ms')
    expect(checkDetails({ used: 0.0081 })).toBe('used 0.8%')
    expect(checkDetails({ asked: [], deadLetters: 2, messagesPerSecond: 0.2424 })).toBe(
      'dead letters 2, messages per second 0.2',
    )
    expect(checkName('eventLoop')).toBe('event loop')
    expect(checkName('queues')).toBe('queues of this process')
  })

  it('The differences of two records name the fields that differ, as many as are asked for.', () => {
    const [before, after] = [
      { task: 'a', nodes: [{ name: 'x' }, { name: 'y' }] },
      { task: 'b', nodes: [{ name: 'x' }] },
    ]
    expect(differences(before, after, 9)).toEqual([
      { path: ['task'], before: 'a', after: 'b' },
      { path: ['nodes', '1'], before: { name: 'y' }, after: undefined },
    ])
    expect(differences(before, after, 1)).toHaveLength(1)
    expect(differences(before, structuredClone(before), 9)).toEqual([])
  })
})
