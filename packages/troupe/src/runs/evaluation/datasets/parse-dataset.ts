/** Reads a data set from JSON Lines: one case on each line. */
import {
  checkText,
  describe,
  failure,
  invalidInput,
  isPlainObject,
  type Json,
  nearest,
  show,
  withoutByteOrderMark,
} from '../../../core/index.ts'
import { createDataset, type Dataset, type DatasetCase } from './dataset.ts'

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
  for (const [index, content] of withoutByteOrderMark(text).split('\n').entries()) {
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

const fields = ['id', 'input', 'expected', 'labels', 'tags']
/** Bytes of UTF-8: a tag of the run holds it. */
const maxIdLength = 128
const maxTags = 100
const maxTextLength = 256

/** A problem as text, or the case. */
type ReadCase = { readonly problem: string } | { readonly found: DatasetCase }

/** @param line counts from 1; it is the id of a case that has none */
function readCase(text: string, line: number): ReadCase {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? []
    return {
      problem: position === undefined ? 'it is not JSON' : `it is not JSON at character ${Number(position) + 1}`,
    }
  }
  if (!isPlainObject(value))
    return { problem: `it must be an object with ${fields.join(', ')}, got ${describe(value)}` }
  const { id = String(line), input, expected, labels, tags = [] } = value as Partial<Record<string, Json>>
  const problem = unknownField(value) ?? idProblem(id) ?? labelsProblem(labels) ?? tagsProblem(tags)
  if (problem !== undefined) return { problem }
  if (input === undefined) return { problem: 'input is missing' }
  return {
    found: {
      id: id as string,
      input,
      ...(expected === undefined ? {} : { expected }),
      ...(labels === undefined ? {} : { labels: labels as NonNullable<DatasetCase['labels']> }),
      tags: tags as readonly string[],
    },
  }
}

function unknownField(value: object): string | undefined {
  const unknown = Object.keys(value).find((field) => !fields.includes(field))
  if (unknown === undefined) return undefined
  const near = nearest(unknown, fields)
  return `the field ${show(unknown)} is unknown${near === undefined ? `; known are ${fields.join(', ')}` : `; did you mean ${near}?`}`
}

function idProblem(id: Json): string | undefined {
  const isName = isText(id, maxIdLength) && /\S/.test(id as string) && Buffer.byteLength(id as string) <= maxIdLength
  return isName ? undefined : `id must be a text of 1 to ${maxIdLength} bytes, got ${show(id)}`
}

function labelsProblem(labels: Json | undefined): string | undefined {
  if (labels === undefined) return undefined
  if (!isPlainObject(labels))
    return `labels must be an object with a text or number for each scorer, got ${show(labels)}`
  const wrong = Object.entries(labels).find(([, label]) => !isText(label, maxTextLength) && typeof label !== 'number')
  return wrong && `labels.${wrong[0]} must be a text or a number, got ${show(wrong[1])}`
}

function tagsProblem(tags: Json): string | undefined {
  const isList = Array.isArray(tags) && tags.length <= maxTags && tags.every((tag) => isText(tag, maxTextLength))
  return isList ? undefined : `tags must be a list of at most ${maxTags} texts, got ${show(tags)}`
}

const isText = (value: unknown, max: number): boolean =>
  typeof value === 'string' && value.length <= max && value.isWellFormed() && !value.includes('\0')
