/** Reads a data set from JSON Lines: one case on each line. */
import { checkText, failure, invalidInput } from '../../../core/index.ts'
import { createDataset, type Dataset, type DatasetCase } from './dataset.ts'
import { readCase } from './read-case.ts'

export const maxCases = 10_000
/** The highest number of problems in the details of the error. */
const maxProblems = 100
/** The highest number of lines that the message names after the first. */
const maxNamedLines = 10

type DatasetProblem = { readonly line: number; readonly problem: string }

/**
 * Reads a data set from the text of a JSONL file: on each line `{ id?, input, expected?, labels?, tags? }`. Blank lines are
 * skipped, and count as lines.
 * @param name is stored with each experiment; the name of the file, as a rule
 * @throws ValidationError `dataset.invalid`, whose `details.problems` are `{ line, problem }` of each line that is wrong
 * @example
 * const dataset = parseDataset('capitals', await readFile('capitals.jsonl', 'utf8'))
 * console.log(dataset.version, dataset.cases.length)
 */
export function parseDataset(name: string, text: string): Dataset {
  checkText('parseDataset', text)
  if (checkText('parseDataset', name).trim() === '' || name.length > 256)
    throw invalidInput('The name of a data set', 'it must have 1 to 256 characters')
  const cases: DatasetCase[] = []
  const problems: DatasetProblem[] = []
  const lineOfId = new Map<string, number>()
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (content.trim() === '') continue
    const line = index + 1
    const read = readCase(content, line)
    if ('problem' in read) {
      problems.push({ line, problem: read.problem })
      continue
    }
    const { id } = read.found
    const earlier = lineOfId.get(id)
    if (earlier !== undefined) problems.push({ line, problem: `the id ${id} is that of line ${earlier}` })
    else if (cases.length === maxCases) problems.push({ line, problem: `it has more than ${maxCases} cases` })
    lineOfId.set(id, earlier ?? line)
    cases.push(read.found)
    if (cases.length > maxCases) break
  }
  if (problems.length === 0 && cases.length === 0) problems.push({ line: 1, problem: 'it has no case' })
  if (problems.length > 0) throw invalid(name, problems)
  return createDataset(name, cases)
}

function invalid(dataset: string, problems: readonly DatasetProblem[]): Error {
  const [first, ...others] = problems as readonly [DatasetProblem, ...DatasetProblem[]]
  const lines = others.slice(0, maxNamedLines).map(({ line }) => line)
  const unnamed = others.length - lines.length
  const more = [...lines, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(', ')
  return failure('dataset.invalid', {
    dataset,
    ...first,
    more: more === '' ? '' : `; also at line ${more}`,
    problems: problems.slice(0, maxProblems),
  })
}
