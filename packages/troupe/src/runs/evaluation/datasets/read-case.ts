/** Parses one line of a data set, and describes its problem if it is invalid. */
import { describe, isPlainObject, type Json, nearest, show } from '../../../core/index.ts'
import type { DatasetCase } from './dataset.ts'

const fields = ['id', 'input', 'expected', 'labels', 'tags']
/** Bytes of UTF-8: a tag of the run holds it. */
const maxIdLength = 128
const maxTags = 100
const maxTextLength = 256

/** A problem as text, or the case. */
export type ReadCase = { readonly problem: string } | { readonly found: DatasetCase }

/** @param line counts from 1; it is the id of a case that has none */
export function readCase(text: string, line: number): ReadCase {
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
