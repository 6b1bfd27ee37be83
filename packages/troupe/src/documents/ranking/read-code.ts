/** Reads blocks of code and comments. */
import { type BlockList, clean, itemStart } from './block-list.ts'

/** The most lines of code that are quoted at once. */
const maxCodeLines = 16
/** The fewest lines of a piece that is not the last one. */
const minCodeLines = 4

const commentLine = /^\s*(?:\/\/|#(?!!|\s*(?:include|define|if|endif|pragma)\b)|--\s|;+\s|"""|''')/
const definition =
  /^\s*(?:export\s+|public\s+|private\s+|protected\s+|static\s+|async\s+|pub\s+|default\s+|abstract\s+)*(?:def|class|function|func|fn|interface|type|enum|struct|const|let|var|impl|module|namespace|@\w+|\w[\w.]*\()/

/** Reads code in pieces of at most 16 lines, and in a source file its comments apart. */
export function readCode(list: BlockList, from: number, to: number, inSource: boolean): void {
  let start = from
  const lead = inSource ? '' : list.lead
  for (let line = from; line < to; line++) {
    const comment = inSource ? commentEnd(list, line, to) : line
    if (comment > line) {
      pushPieces(list, start, line, lead)
      const declared = clean(list.between(comment, Math.min(comment + 1, to - 1))).slice(0, 200)
      list.section = { start: list.lines[line]?.start ?? 0, heading: declared, above: [], opens: false }
      readComment(list, line, comment, declared)
      start = comment
      line = comment - 1
    }
  }
  pushPieces(list, start, to, lead)
}

/** Adds code in pieces of at most 16 lines. */
function pushPieces(list: BlockList, from: number, to: number, lead: string): void {
  let start = from
  while (to - start > maxCodeLines) {
    const cut = cutBetween(list, start + minCodeLines, start + maxCodeLines)
    list.push('code', start, cut, lead)
    start = cut
  }
  list.push('code', start, to, lead)
}

/** Returns the line to cut before: the least indented one, if possible after an empty line or at a definition, the last of these. */
function cutBetween(list: BlockList, first: number, last: number): number {
  let best = { line: last, depth: Number.POSITIVE_INFINITY }
  for (let line = first; line <= last; line++) {
    const text = list.textOf(line)
    const indent = text.search(/\S/)
    if (indent < 0 || /^\s*[)\]}]/.test(text)) continue
    const depth = 2 * indent + (list.textOf(line - 1).trim() === '' || definition.test(text) ? 0 : 1)
    if (depth <= best.depth) best = { line, depth }
  }
  return best.line
}

/** Makes each paragraph of a doc comment a block. */
function readComment(list: BlockList, from: number, to: number, declared: string): void {
  let start = from
  let fenced = false
  for (let line = from; line <= to; line++) {
    const text = list.textOf(line).replace(/^\s*(?:\/\*+|\*+(?!\/)|\/\/+|#+)\s?/, '')
    if (/^\s*(?:```|~~~)/.test(text)) fenced = !fenced
    const ends = line === to || (!fenced && (text.trim() === '' || itemStart.test(text) || /^@\w+/.test(text.trim())))
    if (!ends || line === from) continue
    if (/[\p{L}\p{N}]/u.test(list.between(start, line - 1))) list.push('comment', start, line, declared)
    start = line
  }
}

/** Returns the line after a comment that starts here; the same line if none does. */
function commentEnd(list: BlockList, line: number, to: number): number {
  const text = list.textOf(line)
  let end = line
  if (/^\s*\/\*/.test(text)) {
    while (end < to - 1 && !list.textOf(end).includes('*/')) end++
    return end + 1
  }
  if (!commentLine.test(text)) return line
  while (end < to && commentLine.test(list.textOf(end))) end++
  return end
}
