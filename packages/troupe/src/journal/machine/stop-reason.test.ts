import { describe, expect, it } from 'vitest'
import { abortReason, type StopKind, type StopReason, stoppedEnd, stopTable } from './stop-reason.ts'

const kinds = Object.keys(stopTable) as StopKind[]

describe('The stop procedure of a step', () => {
  it('The stop procedure of a step replaces a reason only by a stronger one, and the loss of the journal by none.', () => {
    const pairs = kinds.flatMap((first) =>
      kinds.filter((second) => stopTable[first].replacedBy.includes(second)).map((second) => `${first} > ${second}`),
    )
    expect(pairs).toEqual([
      'retry > drain',
      'retry > close',
      'retry > cancel',
      'retry > fail',
      'retry > lost',
      'drain > close',
      'drain > cancel',
      'drain > lost',
      'close > lost',
      'cancel > lost',
      'fail > lost',
      'code.changed > lost',
    ])
  })

  it('The stop procedure of a step aborts effects for each reason but a retry and a drain.', () => {
    const rejection = { ok: false, code: 'storage.expectation', statement: 0, detail: {} } as never
    const reasons: { readonly [Kind in StopKind]: Extract<StopReason, { readonly kind: Kind }> } = {
      retry: { kind: 'retry', rejection },
      drain: { kind: 'drain' },
      close: { kind: 'close' },
      cancel: { kind: 'cancel' },
      fail: { kind: 'fail', error: new Error('no') as never },
      'code.changed': { kind: 'code.changed', problem: 'other' },
      lost: { kind: 'lost' },
    }
    const isAborted = kinds.filter((kind) => abortReason(reasons[kind], 'step:1') !== undefined)
    expect(isAborted).toEqual(['close', 'cancel', 'fail', 'code.changed', 'lost'])
    expect(abortReason(reasons.close, 'step:1')).toBe('parked')
  })

  it('The stop procedure of a step ends a cancelled step as cancelled, and a closed or drained one as parked.', () => {
    const ends = (['cancel', 'close', 'drain'] as const).map((kind) => stoppedEnd({ kind }).status)
    expect(ends).toEqual(['cancelled', 'parked', 'parked'])
  })
})
