/**
 * Splits an extracted text into passages: one paragraph or a few, which do not cross a heading. Together they hold every
 * word of the text. Each has its lines in the file and the headings above it.
 */
import { truncateText } from '../../core/index.ts'
import type { Extraction } from './extract.ts'
import { paragraphBreak } from './extract-html.ts'

/** A passage is `text.slice(start, end)` of the extraction that it was split from. */
export interface Passage {
  readonly start: number
  readonly end: number
  readonly startLine: number
  readonly endLine: number
  /** The headings above, outermost first, joined by ` › `; empty if there is none. */
  readonly heading: string
}

/** Paragraphs are joined up to the target size, in characters. A longer passage than the largest size is cut. */
const targetSize = 1_000
const largestSize = 2_000
const largestHeading = 200

/**
 * @example
 * const page = extract('# Tea\n\nGreen.\n\n# Coffee\n\nBlack.', 'markdown')
 * [...splitPassages(page)].map((passage) => passage.heading) // ['Tea', 'Coffee']
 */
export function* splitPassages(extraction: Extraction): Generator<Passage> {
  const { text } = extraction
  for (const section of sectionsOf(extraction)) {
    let open: Block | undefined
    const passagesIn = (block: Block) =>
      cutAtLines(block, text).map((piece) => passageOf(piece, section.heading, extraction))
    for (const block of blocksOf(text, section.start, section.end)) {
      if (open && block.end - open.start > targetSize) {
        yield* passagesIn(open)
        open = undefined
      }
      open = { start: open?.start ?? block.start, end: block.end }
    }
    if (open) yield* passagesIn(open)
  }
}

interface Block {
  readonly start: number
  readonly end: number
}

function passageOf({ start, end }: Block, heading: string, extraction: Extraction): Passage {
  return { start, end, startLine: extraction.lineAt(start), endLine: extraction.lineAt(end - 1), heading }
}

function sectionsOf({ text, headings }: Extraction): (Block & { heading: string })[] {
  const sections = [{ start: 0, end: headings[0]?.offset ?? text.length, heading: '' }]
  const above: { level: number; text: string }[] = []
  for (const [i, { offset, level, text: title }] of headings.entries()) {
    while ((above.at(-1)?.level ?? 0) >= level) above.pop()
    above.push({ level, text: title })
    const heading = above.map((one) => one.text).join(' › ')
    sections.push({
      start: offset,
      end: headings[i + 1]?.offset ?? text.length,
      heading: heading.length > largestHeading ? truncateText(title, largestHeading) : heading,
    })
  }
  return sections
}

/** Yields the paragraphs of a part of the text, which are separated by blank lines or paragraph breaks. */
function* blocksOf(text: string, from: number, to: number): Generator<Block> {
  const part = text.slice(from, to)
  // Without a repeated group, which exceeds the stack on millions of blank lines.
  const gap = new RegExp(`\\n[^\\S\\n]*\\n\\s*|${paragraphBreak}\\s*`, 'g')
  let start = 0
  for (const match of part.matchAll(gap)) {
    yield* trimmed(part, start, match.index, from)
    start = match.index + match[0].length
  }
  yield* trimmed(part, start, part.length, from)
}

function* trimmed(part: string, start: number, end: number, from: number): Generator<Block> {
  const piece = part.slice(start, end)
  const first = piece.search(/\S/)
  if (first >= 0) yield { start: from + start + first, end: from + start + piece.trimEnd().length }
}

/**
 * Cuts a part of a text into pieces of at most 2,000 characters, at the last line end of each, else at the last white space,
 * else anywhere.
 */
export function cutAtLines(block: Block, text: string): Block[] {
  const pieces: Block[] = []
  let { start } = block
  while (block.end - start > largestSize) {
    const piece = text.slice(start, start + largestSize)
    const at = Math.max(piece.lastIndexOf('\n'), 0) || Math.max(piece.lastIndexOf(' '), 0) || characterBoundary(piece)
    pieces.push(...trimmed(text.slice(start, start + at), 0, at, start))
    start += at
  }
  pieces.push(...trimmed(text.slice(start, block.end), 0, block.end - start, start))
  return pieces
}

function characterBoundary(piece: string): number {
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.length - 1 : piece.length
}
