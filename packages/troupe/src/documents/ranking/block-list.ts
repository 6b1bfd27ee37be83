/** The lines of a text, and the blocks that are read from them, each in its section. */
import { cutAtLines } from '../reading/split-passages.ts'
import type { Block, BlockKind, BlockSource, Section } from './block.ts'

const longestLead = 400
/** A longer paragraph, in characters, is text without paragraphs. */
const longestParagraph = 20_000

interface Line {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The mark of a list item. */
export const itemStart = /^\s*(?:>\s?)*(?:[-*+•]|\d{1,3}[.)]|\(?[a-z]\))\s+(?=\S)/

export const clean = (text: string): string => text.replace(/\s+/g, ' ').trim()

export class BlockList {
  readonly blocks: Block[] = []
  readonly lines: readonly Line[]
  section: Section = { start: 0, heading: '', above: [], opens: true }
  /** The text that leads to the next blocks of the section. */
  lead = ''
  readonly #source: BlockSource
  #path: { level: number; text: string }[] = []
  #nextHeading = 0

  constructor(source: BlockSource) {
    this.#source = source
    this.lines = linesOf(source.text)
  }

  textOf(line: number): string {
    return this.lines[line]?.text ?? ''
  }

  /** Returns the text from the start of a line to the end of another one. */
  between(first: number, last: number): string {
    return this.#source.text.slice(this.lines[first]?.start ?? 0, this.lines[last]?.end ?? 0)
  }

  /** Adds the lines from `from` to before `to`, without empty lines around them. */
  push(kind: BlockKind, from: number, to: number, lead = this.lead): void {
    let [a, b] = [from, to]
    while (a < b && this.textOf(a).trim() === '') a++
    while (b > a && this.textOf(b - 1).trim() === '') b--
    const [first, last] = [this.lines[a], this.lines[b - 1]]
    if (b <= a || !first || !last) return
    const start = first.start + (kind === 'code' ? 0 : first.text.search(/\S/))
    const until = last.start + last.text.trimEnd().length
    // The mark that closes a comment is not quoted.
    const text = this.#source.text.slice(start, until)
    const isClosed = kind === 'comment' && text.endsWith('*/')
    this.add(kind, start, isClosed ? start + text.replace(/(?<!\*)\*+\/$/, '').trimEnd().length : until, lead)
  }

  /** Adds a part of the text. */
  add(kind: BlockKind, start: number, end: number, lead: string): void {
    if (end <= start) return
    const byLine = end - start > longestParagraph && (kind === 'text' || kind === 'item' || kind === 'comment')
    for (const piece of byLine ? cutAtLines({ start, end }, this.#source.text) : [{ start, end }])
      this.blocks.push({
        kind,
        start: piece.start,
        end: piece.end,
        section: this.section,
        lead: lead.slice(-longestLead),
        order: orderAfter(this.blocks.at(-1), this.section),
        byLine,
      })
  }

  /** Enters the section that starts in this line, if one does. */
  enterSection(line: number): boolean {
    const { headings } = this.#source
    const end = this.lines[line]?.end ?? 0
    let entered = false
    for (let next = headings[this.#nextHeading]; next && next.offset <= end; next = headings[++this.#nextHeading]) {
      while ((this.#path.at(-1)?.level ?? 0) >= next.level) this.#path.pop()
      const above = this.#path.map(({ text }) => text)
      this.#path.push({ level: next.level, text: next.text })
      this.section = { start: next.offset, heading: next.text, above, opens: this.#nextHeading === 0 }
      this.lead = ''
      entered = true
    }
    return entered
  }

  /** Returns whether a section starts in this line. */
  startsSection(line: number): boolean {
    const next = this.#source.headings[this.#nextHeading]
    return next !== undefined && next.offset <= (this.lines[line]?.end ?? 0)
  }
}

const orderAfter = (last: Block | undefined, section: Section): number =>
  last?.section === section ? last.order + 1 : 0

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (let start = 0; start <= text.length; ) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed
    lines.push({ start, end, text: text.slice(start, end) })
    start = end + 1
  }
  return lines
}
