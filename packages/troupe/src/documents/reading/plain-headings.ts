/** Finds the headings of plain text: titles below a ruled line, lines in capitals, and numbered titles. */
import type { Heading } from './heading.ts'

const ruledLine = /^[ \t]*([=*_~#+-])\1{9,}[ \t]*$/
const numbered = /^(\d{1,3}(?:\.\d{1,3}){0,4})\.?[ \t]+(?=\p{Lu})/u
const longestTitle = 80

/**
 * Returns the headings of a text without Markdown, in order. A title is one short line; one in capitals and one with a
 * number are between blank lines.
 */
export function plainHeadings(source: string): Heading[] {
  if (/^(?:#{1,6} | {0,3}(?:`{3}|~{3}))/m.test(source)) return []
  const headings: Heading[] = []
  let offset = 0
  let before = ''
  const lines = source.split('\n')
  for (const [i, raw] of lines.entries()) {
    const level = levelOf(raw, before, lines[i + 1] ?? '')
    if (level !== undefined) headings.push({ offset, level, text: raw.trim().replace(/\s+/g, ' ') })
    before = raw
    offset += raw.length + 1
  }
  return headings
}

function levelOf(raw: string, before: string, after: string): number | undefined {
  if (raw.length > 2 * longestTitle) return undefined
  const line = raw.trim()
  if (line.length > longestTitle || !/\p{L}{2}/u.test(line)) return undefined
  if (ruledLine.test(before)) return 1
  if (before.trim() !== '' || after.trim() !== '' || /[.,;:]$/.test(line)) return undefined
  const number = numbered.exec(line)?.[1]
  if (number !== undefined) return 1 + number.split('.').length
  return /^[\p{Lu}\d]/u.test(raw) && /\p{Lu}{4}/u.test(line) && !/\p{Ll}/u.test(line) ? 3 : undefined
}
