import { expect, it } from 'vitest'
import { answerSystems, questionSets } from './answer-systems.ts'
import { readQuestions, type Score, scoreAnswers } from './score-answers.ts'

/** The least first answers, any answers and precision. */
const least: Readonly<Record<string, readonly [number, number, number]>> = {
  documentation: [0.5, 0.65, 0.2],
  household: [0.85, 0.9, 0.5],
  parcels: [0.62, 0.7, 0.45],
}

it.each(questionSets)(
  'The search in documents answers questions about $about, and better than BM25 alone.',
  async (set) => {
    const questions = readQuestions(set.name)
    const scores: Score[] = []
    for (const [system, answer] of await answerSystems(set))
      scores.push(await scoreAnswers({ system, questions, folder: set.folder }, answer))
    const [ours, ...baselines] = scores as [Score, ...Score[]]
    const [first = 1, any = 1, precision = 1] = least[set.name] ?? []
    expect(ours.first).toBeGreaterThanOrEqual(first)
    expect(ours.any).toBeGreaterThanOrEqual(any)
    expect(ours.precision).toBeGreaterThanOrEqual(precision)
    expect(ours.wronglyNothing).toBeLessThanOrEqual(0.15)
    expect(baselines).toHaveLength(3)
    for (const baseline of baselines) expect(ours.first - baseline.first).toBeGreaterThan(0.1)
  },
)

it('The search in documents finds nothing for half of the questions at least that no document answers.', async () => {
  let [unknown, right] = [0, 0]
  for (const set of questionSets) {
    const questions = readQuestions(set.name).filter(({ gold }) => gold.length === 0)
    const answer = (await answerSystems(set)).get('troupe/documents')
    for (const { question } of questions) right += Number((await answer?.(question))?.length === 0)
    unknown += questions.length
  }
  expect(right / unknown).toBeGreaterThanOrEqual(1 / 2)
})
