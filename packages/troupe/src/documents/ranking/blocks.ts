/**
 * Divides an extracted text into blocks: paragraphs, list items, table rows, pieces of code and comments, each with the
 * headings above it and its introduction. Blocks contain the text that can be quoted; headings and markup are between them.
 */
import type { DocumentKind } from '../reading/extract.ts'
import { paragraphBreak } from '../reading/extract-html.ts'
import { cutAtLines } from '../reading/split-passages.ts'
import { ownCopy, type Sliceable } from './terms/text-pieces.ts'

export type BlockKind = 'text' | 'item' | 'row' | 'code' | 'comment'

/** A block is `text.slice(start, end)` of the extraction. */
export interface Block {
  readonly kind: BlockKind
  readonly start: number
  readonly end: number
  readonly section: Section
  /** The sentence or two that lead to a list, a table or code; the header of a table row; else empty. */
  readonly lead: string
  /** The number of blocks before it in its section. */
  readonly order: number
  /** Whether it is a piece of a text without paragraphs, such as a log: each of its lines can be quoted. */
  readonly byLine: boolean
}

/** The text between a heading and the next one. */
export interface Section {
  readonly start: number
  readonly heading: string
  /** The headings above it, outermost first. */
  readonly above: readonly string[]
  /** Whether it opens its document: the text before the first heading or below it. */
  readonly opens: boolean
}

/** A passage that the index found, with the text that contains it. */
export interface CandidatePassage {
  readonly document: string
  readonly text: Sliceable
  readonly blocks: readonly Block[]
  /** The index's own score, as a share of the best. */
  readonly score: number
}

export interface BlockSource {
  readonly text: string
  readonly kind: DocumentKind
  readonly headings: readonly { readonly offset: number; readonly level: number; readonly text: string }[]
}

/** The most lines of code that are quoted at once. */
export const maxCodeLines = 16
const longestLead = 400
/** The characters at the end of a paragraph from which a lead is made; white space in it counts once. */
const leadSource = 20_000
/** A longer paragraph, in characters, is text without paragraphs. */
const longestParagraph = 20_000

interface Line {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** @returns the blocks in the order of the text */
export function blocksOf(source: BlockSource): Block[] {
  return new BlockReader(source).read()
}

const fenceStart = /^\s*(?:>\s?)*(?:(?:[-*+]|\d{1,3}[.)])\s+)?(`{3,}|~{3,})/
const itemStart = /^\s*(?:>\s?)*(?:[-*+•]|\d{1,3}[.)]|\(?[a-z]\))\s+(?=\S)/
const hashHeading = /^ {0,3}#{1,6}[ \t]+\S/
const rule = /^\s*(?:[-=*_~+^"]\s*){3,}$/
const markup = /^\s*(?:<[^>]*>\s*)+$/
const tableRule = /^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-*:?\s*)+$/
const commentLine = /^\s*(?:\/\/|#(?!!|\s*(?:include|define|if|endif|pragma)\b)|--\s|;+\s|"""|''')/
const definition =
  /^\s*(?:export\s+|public\s+|private\s+|protected\s+|static\s+|async\s+|pub\s+|default\s+|abstract\s+)*(?:def|class|function|func|fn|interface|type|enum|struct|const|let|var|impl|module|namespace|@\w+|\w[\w.]*\()/

/** Copies of blocks that hold no reference to their text; blocks of one section stay blocks of one section. */
export function detachedBlocks(): (block: Block) => Block {
  const sections = new Map<Section, Section>()
  return (block) => {
    const { start, heading, above, opens } = block.section
    const section = sections.get(block.section) ?? {
      start,
      heading: ownCopy(heading),
      above: above.map(ownCopy),
      opens,
    }
    sections.set(block.section, section)
    return { ...block, section, lead: ownCopy(block.lead) }
  }
}

class BlockReader {
  readonly #source: BlockSource
  readonly #lines: readonly Line[]
  readonly #blocks: Block[] = []
  #section: Section = { start: 0, heading: '', above: [], opens: true }
  #path: { level: number; text: string }[] = []
  #nextHeading = 0
  readonly #isHeading: (piece: string, from: number, to: number) => boolean
  #lead = ''
  /** Whether a list is open: indented paragraphs and code belong to its last item. */
  #listed = false

  constructor(source: BlockSource) {
    this.#source = source
    this.#lines = linesOf(source.text)
    this.#isHeading = headingTest(source.headings)
  }

  read(): Block[] {
    const { kind } = this.#source
    if (kind === 'table') this.#table()
    else if (kind === 'source') this.#code(0, this.#lines.length, true)
    else this.#prose()
    return this.#blocks
  }

  #push(kind: BlockKind, from: number, to: number, lead = this.#lead): void {
    let [a, b] = [from, to]
    while (a < b && this.#textOf(a).trim() === '') a++
    while (b > a && this.#textOf(b - 1).trim() === '') b--
    const [first, last] = [this.#lines[a], this.#lines[b - 1]]
    if (b <= a || !first || !last) return
    const start = first.start + (kind === 'code' ? 0 : first.text.search(/\S/))
    const until = last.start + last.text.trimEnd().length
    // The mark that closes a comment says nothing.
    const closing = kind === 'comment' ? /\s*\*+\/$/.exec(this.#source.text.slice(start, until)) : null
    const end = closing ? start + closing.index : until
    this.#add(kind, start, end, lead)
  }

  #add(kind: BlockKind, start: number, end: number, lead: string): void {
    if (end <= start) return
    const byLine = end - start > longestParagraph && (kind === 'text' || kind === 'item' || kind === 'comment')
    for (const piece of byLine ? cutAtLines({ start, end }, this.#source.text) : [{ start, end }])
      this.#blocks.push({
        kind,
        start: piece.start,
        end: piece.end,
        section: this.#section,
        lead: lead.slice(-longestLead),
        order: orderAfter(this.#blocks.at(-1), this.#section),
        byLine,
      })
  }

  #textOf(line: number): string {
    return this.#lines[line]?.text ?? ''
  }

  /** Enters the section that starts in this line, if one does. */
  #enterSection(line: number): boolean {
    const { headings } = this.#source
    const end = this.#lines[line]?.end ?? 0
    let entered = false
    for (let next = headings[this.#nextHeading]; next && next.offset <= end; next = headings[++this.#nextHeading]) {
      while ((this.#path.at(-1)?.level ?? 0) >= next.level) this.#path.pop()
      const above = this.#path.map(({ text }) => text)
      this.#path.push({ level: next.level, text: next.text })
      this.#section = { start: next.offset, heading: next.text, above, opens: this.#nextHeading === 0 }
      this.#lead = ''
      entered = true
    }
    return entered
  }

  #prose(): void {
    let line = 0
    let header = ''
    const skip = this.#source.kind === 'html' ? 0 : frontMatterEnd(this.#lines)
    while (line < this.#lines.length) {
      const text = this.#textOf(line)
      const headed = this.#enterSection(line)
      if (line < skip || (headed && this.#source.kind !== 'html')) {
        line += 1
        continue
      }
      if (itemStart.test(text)) this.#listed = true
      else if (/^\S/.test(text)) this.#listed = false
      const fence = fenceStart.exec(text)?.[1]
      if (fence !== undefined) {
        let end = line + 1
        while (end < this.#lines.length && !closes(this.#textOf(end), fence)) end++
        this.#code(line + 1, end, false)
        line = end + 1
      } else if (text.trim() === '' || rule.test(text) || (markup.test(text) && this.#source.kind !== 'html')) {
        line += 1
      } else if (/^\s*\|/.test(text) || tableRule.test(this.#textOf(line + 1))) {
        if (tableRule.test(this.#textOf(line + 1))) {
          header = clean(text)
          line += 2
        } else {
          this.#push('row', line, line + 1, header || this.#lead)
          line += 1
        }
      } else if (
        this.#source.kind !== 'html' &&
        /^(?: {4}|\t)/.test(text) &&
        (line === 0 || this.#textOf(line - 1).trim() === '') &&
        !itemStart.test(text) &&
        !this.#listed
      ) {
        let end = line
        while (end < this.#lines.length && (/^(?: {4}|\t)/.test(this.#textOf(end)) || this.#textOf(end).trim() === ''))
          end++
        this.#code(line, end, false)
        line = end
      } else line = this.#paragraph(line)
    }
  }

  #paragraph(from: number): number {
    const item = itemStart.test(this.#textOf(from))
    let to = from + 1
    while (to < this.#lines.length && this.#isContinuation(to)) to++
    const lead = item ? this.#lead : ''
    this.#pieces(from, to, item ? 'item' : 'text', lead)
    const [first, last] = [this.#lines[from], this.#lines[to - 1]]
    if (!item && first && last)
      this.#lead = clean(this.#source.text.slice(Math.max(first.start, last.end - leadSource), last.end))
    return to
  }

  #isContinuation(line: number): boolean {
    const text = this.#textOf(line)
    const next = this.#source.headings[this.#nextHeading]
    if (next && next.offset <= (this.#lines[line]?.end ?? 0)) return false
    return (
      text.trim() !== '' &&
      !fenceStart.test(text) &&
      !hashHeading.test(text) &&
      !/^\s*\|/.test(text) &&
      !itemStart.test(text) &&
      !tableRule.test(this.#textOf(line + 1))
    )
  }

  /** Paragraphs of HTML may share a line; a break character separates them. */
  #pieces(from: number, to: number, kind: BlockKind, lead: string): void {
    const [first, last] = [this.#lines[from], this.#lines[to - 1]]
    if (!first || !last) return
    const text = this.#source.text.slice(first.start, last.end)
    if (!text.includes(paragraphBreak)) {
      this.#push(kind, from, to, lead)
      return
    }
    let at = first.start
    for (const piece of text.split(paragraphBreak)) {
      const start = at + Math.max(0, piece.search(/\S/))
      const end = at + piece.trimEnd().length
      if (!this.#isHeading(piece, at - 1, start)) this.#add(kind, start, end, lead)
      at += piece.length + 1
    }
  }

  /** Code in pieces of at most 16 lines, cut at blank lines and definitions; in a source file its comments apart. */
  #code(from: number, to: number, inSource: boolean): void {
    let start = from
    const lead = inSource ? '' : this.#lead
    for (let line = from; line < to; line++) {
      const comment = inSource ? this.#commentEnd(line, to) : line
      if (comment > line) {
        this.#push('code', start, line, lead)
        const declared = clean(
          this.#source.text.slice(
            this.#lines[comment]?.start ?? 0,
            this.#lines[Math.min(comment + 1, to - 1)]?.end ?? 0,
          ),
        ).slice(0, 200)
        const at = this.#lines[line]?.start ?? 0
        this.#section = { start: at, heading: declared, above: [], opens: false }
        this.#comment(line, comment, declared)
        start = comment
        line = comment - 1
        continue
      }
      const text = this.#textOf(line)
      const length = line - start
      const cut = text.trim() === '' || definition.test(text)
      if (length >= maxCodeLines || (to - start > maxCodeLines && cut && length >= 4)) {
        this.#push('code', start, line, lead)
        start = line
      }
    }
    this.#push('code', start, to, lead)
  }

  /** Makes each paragraph of a doc comment a block. */
  #comment(from: number, to: number, declared: string): void {
    let start = from
    let fenced = false
    for (let line = from; line <= to; line++) {
      const text = this.#textOf(line).replace(/^\s*(?:\/\*+|\*+(?!\/)|\/\/+|#+)\s?/, '')
      if (/^\s*(?:```|~~~)/.test(text)) fenced = !fenced
      const ends = line === to || (!fenced && (text.trim() === '' || itemStart.test(text) || /^@\w+/.test(text.trim())))
      if (!ends || line === from) continue
      if (/[\p{L}\p{N}]/u.test(this.#source.text.slice(this.#lines[start]?.start, this.#lines[line - 1]?.end)))
        this.#push('comment', start, line, declared)
      start = line
    }
  }

  /** Returns the line after a comment that starts here; the same line if none does. */
  #commentEnd(line: number, to: number): number {
    const text = this.#textOf(line)
    let end = line
    if (/^\s*\/\*/.test(text)) {
      while (end < to - 1 && !this.#textOf(end).includes('*/')) end++
      return end + 1
    }
    if (!commentLine.test(text)) return line
    while (end < to && commentLine.test(this.#textOf(end))) end++
    return end
  }

  #table(): void {
    const header = clean(this.#textOf(0))
    for (let line = 1; line < this.#lines.length; line++) this.#push('row', line, line + 1, header)
  }
}

/** Returns whether a piece of HTML between two positions is a heading, for pieces in the order of the text. */
function headingTest(headings: BlockSource['headings']): (piece: string, from: number, to: number) => boolean {
  const offsetOf = (index: number) => headings[index]?.offset ?? Number.POSITIVE_INFINITY
  let first = 0
  return (piece, from, to) => {
    while (offsetOf(first) < from) first += 1
    for (let i = first; offsetOf(i) <= to; i++) if (headings[i]?.text === clean(piece)) return true
    return false
  }
}

/** The line after front matter, 0 if there is none: its title is already a heading, and the rest is not quoted. */
function frontMatterEnd(lines: readonly Line[]): number {
  if (lines[0]?.text.trim() !== '---') return 0
  const end = lines.slice(1, 50).findIndex(({ text }) => text.trim() === '---')
  return end + (end < 0 ? 1 : 2)
}

const orderAfter = (last: Block | undefined, section: Section): number =>
  last?.section === section ? last.order + 1 : 0

const closes = (text: string, fence: string): boolean => {
  const mark = /^\s*(?:>\s?)*(`{3,}|~{3,})\s*$/.exec(text)?.[1]
  return mark?.startsWith(fence) === true
}

export const clean = (text: string): string => text.replace(/\s+/g, ' ').trim()

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
