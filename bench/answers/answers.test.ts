import { join } from 'node:path'
import { expect, it } from 'vitest'
import { answerSystems } from './answer-systems.ts'
import { type Score, scoreAnswers } from './score-answers.ts'

const folder = join(import.meta.dirname, '../../docs')

it('The search in documents answers questions about the documentation, and better than BM25 alone.', async () => {
  const scores: Score[] = []
  for (const [system, answer] of await answerSystems(folder)) scores.push(await scoreAnswers(system, folder, answer))
  const [ours, ...baselines] = scores as [Score, ...Score[]]
  expect(ours.first).toBeGreaterThanOrEqual(0.45)
  expect(ours.firstThree).toBeGreaterThanOrEqual(0.6)
  expect(ours.any).toBeGreaterThanOrEqual(0.65)
  expect(ours.precision).toBeGreaterThanOrEqual(0.2)
  expect(ours.wronglyNothing).toBeLessThanOrEqual(0.06)
  expect(ours.rightlyNothing).toBeGreaterThanOrEqual(0.35)
  expect(baselines).toHaveLength(3)
  for (const baseline of baselines) expect(ours.first - baseline.first).toBeGreaterThan(0.15)
})
