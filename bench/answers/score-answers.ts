/** Scores citations against the passages that are known to answer a question. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface JudgedQuestion {
  readonly question: string
  /** Each a text in a line that answers; none where the documents do not know. */
  readonly gold: readonly { readonly file: string; readonly text: string }[]
}

/** Lines of a file that an answer quotes, best first. */
export interface CitedLines {
  readonly file: string
  readonly line: number
  readonly endLine: number
}

export interface Score {
  readonly system: string
  /** Shares of the questions that the documents answer: the first, one of the first three, any citation answers. */
  readonly first: number
  readonly firstThree: number
  readonly any: number
  /** Share of the citations that answer. */
  readonly precision: number
  /** Shares of the questions for which nothing is cited: of those that the documents do not answer, and of those that they do. */
  readonly rightlyNothing: number
  readonly wronglyNothing: number
}

/** A longer quotation answers nothing: it is a copy. */
const maxLines = 25

export const readQuestions = (set: string): JudgedQuestion[] =>
  readFileSync(join(import.meta.dirname, 'questions', `${set}.jsonl`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/**
 * @param questions those of one set
 * @param folder the documents
 * @param answer gives the citations of a question; a file is relative to the folder
 * @throws Error for a gold text that its document no longer holds
 */
export async function scoreAnswers(
  { system, questions, folder }: { system: string; questions: readonly JudgedQuestion[]; folder: string },
  answer: (question: string) => Promise<readonly CitedLines[]>,
): Promise<Score & { readonly missed: readonly string[] }> {
  const counts = { answerable: 0, first: 0, firstThree: 0, any: 0, cited: 0, good: 0, unknown: 0, right: 0, wrong: 0 }
  const missed: string[] = []
  for (const { question, gold } of questions) {
    const lines = gold.map((one) => ({ file: one.file, lines: linesWith(join(folder, one.file), one.text) }))
    const citations = await answer(question)
    const good = citations.map(
      ({ file, line, endLine }) =>
        endLine - line < maxLines &&
        lines.some((one) => one.file === file && one.lines.some((at) => at >= line && at <= endLine)),
    )
    if (gold.length === 0) {
      counts.unknown += 1
      counts.right += Number(citations.length === 0)
      continue
    }
    counts.answerable += 1
    counts.first += Number(good[0] === true)
    counts.firstThree += Number(good.slice(0, 3).includes(true))
    counts.any += Number(good.includes(true))
    counts.cited += citations.length
    counts.good += good.filter(Boolean).length
    counts.wrong += Number(citations.length === 0)
    if (good[0] !== true) missed.push(question)
  }
  return {
    system,
    first: counts.first / counts.answerable,
    firstThree: counts.firstThree / counts.answerable,
    any: counts.any / counts.answerable,
    precision: counts.good / Math.max(1, counts.cited),
    rightlyNothing: counts.right / counts.unknown,
    wronglyNothing: counts.wrong / counts.answerable,
    missed,
  }
}

function linesWith(path: string, text: string): number[] {
  const found = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, i) => (line.includes(text) ? [i + 1] : []))
  if (found.length === 0) throw new Error(`${path} no longer holds “${text}”: correct bench/answers/questions.`)
  return found
}
