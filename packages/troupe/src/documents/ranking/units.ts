/**
 * Divides blocks into units, which are verbatim pieces of the text that a person would quote: a sentence, a list item, a
 * table row or a piece of code. A short sentence is joined to the one before it. A unit never ends inside a link, a piece
 * of code or a number.
 */
import { lazy } from '../../core/index.ts'
import type { Block, BlockKind } from './block.ts'
import { clean } from './block-list.ts'
import type { Sliceable } from './terms/text-pieces.ts'

export interface Unit {
  readonly kind: BlockKind
  readonly start: number
  readonly end: number
  /** Its words: white space runs are one space, and the marks of comments and quotations are left out. */
  readonly text: string
  readonly block: Block
  /** Its index in its block, from 0. */
  readonly index: number
}

const shortest = 25
const longestUnit = 900
/** Creating it takes 30 ms of processor time. */
const segmenter = lazy(() => new Intl.Segmenter('en', { granularity: 'sentence' }))

export function unitsOf(block: Block, text: Sliceable): Unit[] {
  const content = text.slice(block.start, block.end)
  if (block.kind === 'row' || block.kind === 'code')
    return [{ kind: block.kind, start: block.start, end: block.end, text: proseOf(content), block, index: 0 }]
  const pieces = block.byLine ? linesIn(content) : sentencesIn(content)
  return pieces.map(({ start, end }, index) => ({
    kind: block.kind,
    start: block.start + start,
    end: block.start + end,
    text: proseOf(content.slice(start, end)),
    block,
    index,
  }))
}

/** Returns a piece of text without the marks at the start of its lines in comments and quotations. */
export function proseOf(text: string): string {
  return clean(
    text.replace(/(^|\n)[ \t]*(?:\/\*+|\*\/|\*(?=\s|$)|\/\/+|>|#{1,6}(?=\s))[ \t]?/g, '$1').replace(/\*\/\s*$/, ''),
  )
}

interface Piece {
  start: number
  end: number
}

function sentencesIn(text: string): Piece[] {
  const flat = text.replace(/[\r\n]/g, ' ')
  const closed = spansIn(flat)
  const pieces: Piece[] = []
  for (const { segment, index } of segmenter().segment(flat)) {
    const start = index + Math.max(0, segment.search(/\S/))
    const end = index + segment.trimEnd().length
    if (end <= start) continue
    const last = pieces.at(-1)
    if (last && joins(flat, last, { start, end }, closed)) last.end = end
    else pieces.push({ start, end })
  }
  return pieces.flatMap((piece) => cutLong(flat, piece))
}

const abbreviation =
  /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|no|nr|fig|sec|ca|resp|incl|max|min|mr|mrs|ms|dr|st|v?\d{1,3})\.$/i

/** Returns whether two sentences are one unit: inside a link, code or brackets, after an abbreviation, or if one is short. */
function joins(text: string, last: Piece, next: Piece, closed: readonly Piece[]): boolean {
  const before = text.slice(last.start, last.end)
  const after = text.slice(next.start, next.end)
  if (closed.some(({ start, end }) => last.end > start && last.end < end)) return true
  if (last.end - last.start + after.length > longestUnit) return false
  return (
    after.length < shortest || before.length < shortest || abbreviation.test(before) || /^[\p{Ll}\d),;:\]]/u.test(after)
  )
}

/** Returns the parts that are not divided: links, code, addresses, and text in round or square brackets. */
function spansIn(text: string): Piece[] {
  const spans: Piece[] = []
  const pattern =
    /!?\[[^\]\n]{0,300}\]\([^)\n]{0,500}\)|`{1,2}[^`\n]{1,300}`{1,2}|<[^>\n]{1,200}>|https?:\/\/\S+|\([^()\n]{1,200}\)/g
  for (const match of text.matchAll(pattern)) spans.push({ start: match.index, end: match.index + match[0].length })
  return spans
}

/** Divides a sentence that is too long to quote at white space. */
function cutLong(text: string, { start, end }: Piece): Piece[] {
  const pieces: Piece[] = []
  let from = start
  while (end - from > longestUnit) {
    const at = text.lastIndexOf(' ', from + longestUnit)
    const to = at > from ? at : from + longestUnit
    pieces.push({ start: from, end: to })
    from = to + (at > from ? 1 : 0)
  }
  pieces.push({ start: from, end })
  return pieces
}

/** Divides a text without paragraphs, such as a log, at its lines. */
function linesIn(text: string): Piece[] {
  const pieces: Piece[] = []
  for (const match of text.matchAll(/(?<![^\n])[^\S\n]*\S[^\n]*/g))
    pieces.push(...cutLong(text, { start: match.index, end: match.index + match[0].length }))
  return pieces
}
