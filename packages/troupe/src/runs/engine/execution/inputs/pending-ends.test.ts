import { expect, it } from 'vitest'
import type { CommitResult, Statement } from '../../../../storage/index.ts'
import { answerEnds, type PendingEnd, PendingEnds } from './pending-ends.ts'

const statement = (sql: string): Statement => ({ sql, binds: [] })
const message = { type: 'step.returned', step: '1', outcome: { kind: 'value', value: null } } as const
const ends = (...counts: number[]) => {
  const answers: (CommitResult | undefined)[] = []
  const pendingEnds = counts.map(
    (count, i): PendingEnd => ({
      step: `${i}`,
      message,
      change: { statements: Array.from({ length: count }, (_, n) => statement(`${i}.${n}`)) },
      answer: (result) => {
        answers[i] = result
      },
    }),
  )
  return { pendingEnds, answers }
}

it('The steps whose ends commit together get the rows of their own statements.', () => {
  const { pendingEnds, answers } = ends(2, 1)
  const rows = ['run', 'a', 'b', 'c'].map((name) => [{ name }])
  const result = { ok: true, rows, affected: [9, 1, 2, 3], revision: 7, at: 1, repeated: false } as const
  expect(answerEnds(pendingEnds, result, 1)).toBe(false)
  expect(answers).toEqual([
    { ...result, rows: [[{ name: 'a' }], [{ name: 'b' }]], affected: [1, 2] },
    { ...result, rows: [[{ name: 'c' }]], affected: [3] },
  ])
})

it('A rejection is the answer of the step that caused it, and the others commit alone.', () => {
  const { pendingEnds, answers } = ends(2, 3, 1)
  const result = { ok: false, code: 'thread.conflict', statement: 8, found: 0 } as const
  expect(answerEnds(pendingEnds, result, 5)).toBe(true)
  expect(answers).toEqual([undefined, { ...result, statement: 1 }, undefined])
})

it('A rejection of what the run itself commits is the answer of no step.', () => {
  const { pendingEnds, answers } = ends(2, 3)
  expect(answerEnds(pendingEnds, { ok: false, code: 'journal.lost', statement: 0, found: 0 }, 5)).toBe(false)
  expect(answers).toEqual([undefined, undefined])
})

it('The ends that no change of the run includes any more commit alone.', async () => {
  const waiting = new PendingEnds()
  const results = [1, 2].map((n) => waiting.add({ step: `${n}`, message, change: { statements: [] } }))
  waiting.leave()
  expect(await Promise.all(results)).toEqual([undefined, undefined])
  expect(waiting.isEmpty).toBe(true)
})
