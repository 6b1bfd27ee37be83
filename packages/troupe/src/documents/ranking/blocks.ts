/**
 * Divides an extracted text into blocks: paragraphs, list items, table rows, pieces of code and comments, each with the
 * headings above it and its introduction. Blocks contain the text that can be quoted; headings and markup are between them.
 */
import type { WorkInParts } from '../../core/index.ts'
import { paragraphBreak } from '../reading/extract-html.ts'
import type { Block, BlockKind, BlockSource } from './block.ts'
import { BlockList, clean, itemStart } from './block-list.ts'
import { readCode } from './read-code.ts'

/** The characters at the end of a paragraph from which a lead is made; white space in it counts once. */
const leadSource = 20_000

/** @returns the blocks in the order of the text */
export const blocksOf = (source: BlockSource): WorkInParts<Block[]> => new BlockReader(source).read()

const fenceStart = /^\s*(?:>\s?)*(?:(?:[-*+]|\d{1,3}[.)])\s+)?(`{3,}|~{3,})/
const hashHeading = /^ {0,3}#{1,6}[ \t]+\S/
const rule = /^\s*(?:[-=*_~+^"]\s*){3,}$/
const markup = /^\s*(?:<[^>]*>\s*)+$/
const tableRule = /^\s*(?:\|\s*)?:?-{2,}:?\s*(?:\|\s*(?:(?::-*|-+):?\s*)?)+$/

class BlockReader {
  readonly #source: BlockSource
  readonly #list: BlockList
  readonly #isHeading: (piece: string, from: number, to: number) => boolean
  /** Whether a list is open: indented paragraphs and code belong to its last item. */
  #listed = false

  constructor(source: BlockSource) {
    this.#source = source
    this.#list = new BlockList(source)
    this.#isHeading = headingTest(source.headings)
  }

  *read(): WorkInParts<Block[]> {
    const { kind } = this.#source
    if (kind === 'table') this.#table()
    else if (kind === 'source') readCode(this.#list, 0, this.#list.lines.length, true)
    else yield* this.#prose()
    return this.#list.blocks
  }

  *#prose(): WorkInParts<void> {
    let line = 0
    let header = ''
    const skip = this.#source.kind === 'html' ? 0 : frontMatterEnd(this.#list.lines)
    while (line < this.#list.lines.length) {
      yield
      const text = this.#list.textOf(line)
      const headed = this.#list.enterSection(line)
      if (line < skip || (headed && this.#source.kind !== 'html')) {
        line += 1
        continue
      }
      if (itemStart.test(text)) this.#listed = true
      else if (/^\S/.test(text)) this.#listed = false
      const fence = fenceStart.exec(text)?.[1]
      if (fence !== undefined) {
        let end = line + 1
        while (end < this.#list.lines.length && !closes(this.#list.textOf(end), fence)) end++
        readCode(this.#list, line + 1, end, false)
        line = end + 1
      } else if (text.trim() === '' || rule.test(text) || (markup.test(text) && this.#source.kind !== 'html')) {
        line += 1
      } else if (/^\s*\|/.test(text) || tableRule.test(this.#list.textOf(line + 1))) {
        if (tableRule.test(this.#list.textOf(line + 1))) {
          header = clean(text)
          line += 2
        } else {
          this.#list.push('row', line, line + 1, header || this.#list.lead)
          line += 1
        }
      } else if (
        this.#source.kind !== 'html' &&
        /^(?: {4}|\t)/.test(text) &&
        (line === 0 || this.#list.textOf(line - 1).trim() === '') &&
        !itemStart.test(text) &&
        !this.#listed
      ) {
        let end = line
        while (
          end < this.#list.lines.length &&
          (/^(?: {4}|\t)/.test(this.#list.textOf(end)) || this.#list.textOf(end).trim() === '')
        )
          end++
        readCode(this.#list, line, end, false)
        line = end
      } else line = this.#paragraph(line)
    }
  }

  #paragraph(from: number): number {
    const item = itemStart.test(this.#list.textOf(from))
    let to = from + 1
    while (to < this.#list.lines.length && this.#isContinuation(to)) to++
    const lead = item ? this.#list.lead : ''
    this.#pieces(from, to, item ? 'item' : 'text', lead)
    const [first, last] = [this.#list.lines[from], this.#list.lines[to - 1]]
    if (!item && first && last)
      this.#list.lead = clean(this.#source.text.slice(Math.max(first.start, last.end - leadSource), last.end))
    return to
  }

  #isContinuation(line: number): boolean {
    const text = this.#list.textOf(line)
    if (this.#list.startsSection(line)) return false
    return (
      text.trim() !== '' &&
      !fenceStart.test(text) &&
      !hashHeading.test(text) &&
      !/^\s*\|/.test(text) &&
      !itemStart.test(text) &&
      !tableRule.test(this.#list.textOf(line + 1))
    )
  }

  /** Paragraphs of HTML may share a line; a break character separates them. */
  #pieces(from: number, to: number, kind: BlockKind, lead: string): void {
    const [first, last] = [this.#list.lines[from], this.#list.lines[to - 1]]
    if (!first || !last) return
    const text = this.#source.text.slice(first.start, last.end)
    if (!text.includes(paragraphBreak)) {
      this.#list.push(kind, from, to, lead)
      return
    }
    let at = first.start
    for (const piece of text.split(paragraphBreak)) {
      const start = at + Math.max(0, piece.search(/\S/))
      const end = at + piece.trimEnd().length
      if (!this.#isHeading(piece, at - 1, start)) this.#list.add(kind, start, end, lead)
      at += piece.length + 1
    }
  }

  #table(): void {
    const header = clean(this.#list.textOf(0))
    for (let line = 1; line < this.#list.lines.length; line++) this.#list.push('row', line, line + 1, header)
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
function frontMatterEnd(lines: readonly { readonly text: string }[]): number {
  if (lines[0]?.text.trim() !== '---') return 0
  const end = lines.slice(1, 50).findIndex(({ text }) => text.trim() === '---')
  return end + (end < 0 ? 1 : 2)
}

const closes = (text: string, fence: string): boolean => {
  const mark = /^\s*(?:>\s?)*(`{3,}|~{3,})\s*$/.exec(text)?.[1]
  return mark?.startsWith(fence) === true
}
