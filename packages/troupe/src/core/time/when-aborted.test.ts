import { describe, expect, it } from 'vitest'
import { whenAborted } from './when-aborted.ts'

describe('whenAborted', () => {
  it('`whenAborted` calls at the abort, once, and at once for a signal that has aborted.', () => {
    const calls: string[] = []
    const controller = new AbortController()
    whenAborted(controller.signal, () => calls.push('waited'))
    expect(calls).toEqual([])
    controller.abort()
    whenAborted(controller.signal, () => calls.push('at once'))
    expect(calls).toEqual(['waited', 'at once'])
  })

  it('`whenAborted` does not call after it was stopped, or without a signal.', () => {
    const calls: string[] = []
    const controller = new AbortController()
    whenAborted(controller.signal, () => calls.push('stopped'))()
    whenAborted(undefined, () => calls.push('never'))()
    controller.abort()
    expect(calls).toEqual([])
  })
})
