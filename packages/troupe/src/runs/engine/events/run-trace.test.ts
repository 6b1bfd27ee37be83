import { expect, test } from 'vitest'
import { spanIdOf } from '../../../core/index.ts'
import type { EventWithPath } from './run-event.ts'
import { RunTrace, traceIdOf } from './run-trace.ts'

test('The events of a run name the spans of its branches and steps, however many there are.', () => {
  const trace = new RunTrace('ada', 'r', {})
  expect(trace.id).toBe(traceIdOf('ada', 'r', {}))
  const spanOf = (event: object) => trace.spanOf(event as EventWithPath)
  const run = spanIdOf('ada', 'run:r')
  expect(spanOf({ type: 'run.started' })).toEqual({ span: run })
  // More than are cached, and then each once more.
  for (let n = 0; n < 600; n++) {
    const branch = `1.${n % 300}`
    const span = spanIdOf('ada', `run:r/${branch}`)
    expect(spanOf({ type: 'branch.started', branch })).toEqual({ span, parent: run })
    expect(spanOf({ type: 'step.started', branch, step: `${branch}#1` })).toEqual({
      span: spanIdOf('ada', `step:r/${branch}#1`),
      parent: span,
    })
  }
  expect(spanOf({ type: 'question.asked' })).toBeUndefined()
})
