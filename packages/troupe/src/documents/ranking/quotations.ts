/**
 * Makes quotations of ranked units, of at most 20 lines. A sentence that ends with a colon is quoted with the list or the
 * code that it leads to, and code with the sentence that leads to it.
 */
import type { Block, CandidatePassage } from './block.ts'
import type { Asked, ParsedQuestion } from './question.ts'
import type { RankedUnit } from './rank-units.ts'
import { termOf } from './terms/terms.ts'
import type { Sliceable } from './terms/text-pieces.ts'
import { unitsOf } from './units.ts'

export interface Quotation {
  readonly document: string
  readonly text: Sliceable
  readonly start: number
  readonly end: number
  readonly unit: RankedUnit
}

const limits = { lines: 20, characters: 1_600, sentence: 320, gap: 120 }
/** Quotations with a score below this share of the best one are omitted. */
const weakestByWords = 0.86
const maxQuotations = 4
const considered = 60
/** A unit of another document that contradicts the best one may score this share of it. */
const weakestConflict = 0.75
const counted = /(?<![\p{L}\p{N}.])([€$£]?)\s?(\d+(?:,\d{3})*(?:\.\d+)?)(?!\p{N})[ \u00a0-]?(%|€|\p{L}{2,})?/gu
/** A list item with a lower share of the question's words answers by the text above it. */
const ownItem = 0.5

/**
 * @param weakest units with less than this share of the best score are left out
 * @returns the quotations of the best units, best first; two that overlap are one
 */
export function quotationsOf(
  { asksFor }: Pick<ParsedQuestion, 'asksFor'>,
  ranked: readonly RankedUnit[],
  passages: readonly CandidatePassage[],
  weakest = weakestByWords,
): Quotation[] {
  const blocks = blocksByDocument(passages)
  const best = ranked[0]?.score ?? 0
  const chosen: Quotation[] = []
  for (const unit of ranked.slice(0, considered)) {
    if (chosen.length === maxQuotations || unit.score < best * weakest) break
    const { start, end } = extent(unit, blocks.get(unit.document) ?? [], asksFor)
    const overlaps = chosen.some((one) => one.document === unit.document && start < one.end && end > one.start)
    if (!overlaps) chosen.push({ document: unit.document, text: unit.text, start, end, unit })
  }
  const [first] = chosen
  if (!first || chosen.length === maxQuotations || !(asksFor.number || asksFor.time)) return chosen
  const conflicting = ranked
    .slice(0, considered)
    .find((one) => one.score >= best * weakestConflict && isConflicting(one, first))
  if (!conflicting || chosen.some(({ unit }) => unit === conflicting)) return chosen
  return [
    ...chosen,
    { ...conflicting, ...extent(conflicting, blocks.get(conflicting.document) ?? [], asksFor), unit: conflicting },
  ]
}

/** Whether a unit of another document gives a value of the same kind that a quotation gives differently. */
function isConflicting({ document, unit }: RankedUnit, quotation: Quotation): boolean {
  if (document === quotation.document) return false
  const quoted = valuesIn(quotation.text.slice(quotation.start, quotation.end))
  return [...valuesIn(unit.text)].some(
    ([kind, numbers]) => quoted.has(kind) && ![...numbers].some((number) => quoted.get(kind)?.has(number)),
  )
}

/** The numbers of a text by what they count: `day` for `14 days`. */
function valuesIn(text: string): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>()
  for (const [, currency = '', digits = '', word = ''] of text.matchAll(counted)) {
    const kind = currency || (word === '' || word === '%' || word === '€' ? word : (termOf(word) ?? ''))
    if (kind !== '') values.set(kind, (values.get(kind) ?? new Set()).add(digits.replace(/,(?=\d{3})/g, '')))
  }
  return values
}

function blocksByDocument(passages: readonly CandidatePassage[]): Map<string, Block[]> {
  const blocks = new Map<string, Block[]>()
  for (const passage of passages) {
    const known = blocks.get(passage.document)
    if (known) known.push(...passage.blocks)
    else blocks.set(passage.document, [...passage.blocks])
  }
  for (const list of blocks.values()) list.sort((a, b) => a.start - b.start)
  return blocks
}

function extent(ranked: RankedUnit, blocks: readonly Block[], asksFor: Asked): { start: number; end: number } {
  const { unit, text } = ranked
  let { start, end } = unit
  const at = blocks.indexOf(unit.block)
  const next = blocks[at + 1]
  const before = blocks[at - 1]
  const fits = (from: number, to: number) =>
    to - from <= limits.characters && text.slice(from, to).split('\n').length <= limits.lines
  const adjacent = (first: Block, second: Block) =>
    first.section === second.section &&
    /^(?:>\s*)?(?:[`~]{3,}[^\n]*)?$/.test(text.slice(first.end, second.start).trim())
  if (unit.kind === 'code') {
    if (before && before.kind !== 'code' && before.kind !== 'row' && adjacent(before, unit.block)) {
      const from = lastSentence(text, before)
      if (from < before.end && fits(from, end)) start = from
    }
    return closed(text, { start, end })
  }
  if (unit.kind === 'row') return { start, end }
  const list = unit.kind === 'item' && isListed(ranked, asksFor) ? listAround(blocks, at, adjacent) : undefined
  if (list && fits(list.start, list.end)) return list
  // The sentences after it are quoted too while they are short together.
  if (!unit.block.byLine)
    end = unitsOf(unit.block, text).findLast((one) => one.end <= Math.max(end, start + limits.sentence))?.end ?? end
  if (/:\s*$/.test(text.slice(start, end)) && next && end === unit.block.end && adjacent(unit.block, next)) {
    const { kind } = next
    for (let i = at + 1; i < blocks.length; i++) {
      const block = blocks[i]
      const previous = blocks[i - 1]
      if (!block || !previous || block.kind !== kind || block.section !== unit.block.section || !fits(start, block.end))
        break
      if (i > at + 1 && kind === 'code' && !adjacent(previous, block)) break
      end = block.end
    }
  }
  return closed(text, { start, end })
}

/** Whether all items of a list answer: what is asked for is named above it, and not in the item. */
function isListed({ unit, text, features }: RankedUnit, asksFor: Asked): boolean {
  const { own = 0, head = 0, lead = 0 } = features
  if (own >= ownItem || Math.max(head, lead) < ownItem) return false
  return asksFor.list || (asksFor.code && /^\s*\d/.test(text.slice(unit.block.start, unit.block.end)))
}

/** The list that contains a block. */
function listAround(
  blocks: readonly Block[],
  at: number,
  adjacent: (first: Block, second: Block) => boolean,
): { start: number; end: number } | undefined {
  const follows = (i: number) => {
    const [first, second] = [blocks[i - 1], blocks[i]]
    return first?.kind === 'item' && second?.kind === 'item' && adjacent(first, second)
  }
  let [from, to] = [at, at]
  while (follows(from)) from -= 1
  while (follows(to + 1)) to += 1
  const [first, last] = [blocks[from], blocks[to]]
  return first && last ? { start: first.start, end: last.end } : undefined
}

/** A quotation that opens a fence ends with its closing one. */
function closed(text: Sliceable, { start, end }: { start: number; end: number }): { start: number; end: number } {
  const opened = text.slice(start, end).match(/^[ \t]*(?:>[ \t]?)*(?:```|~~~)/gm)?.length ?? 0
  if (opened % 2 === 0) return { start, end }
  const closing = /^\s*\n[ \t]*(?:>\s?)*(?:`{3,}|~{3,})[ \t]*(?=\n|$)/.exec(text.slice(end, end + 40))
  return { start, end: closing ? end + closing[0].length : end }
}

function lastSentence(text: Sliceable, block: Block): number {
  const lead = text.slice(block.start, block.end)
  if (lead.length <= limits.sentence) return block.start
  const ends = [...lead.matchAll(/[.!?]\s+(?=[\p{Lu}`*[])/gu)].at(-1)
  return ends && lead.length - ends.index <= limits.sentence ? block.start + ends.index + ends[0].length : block.end
}
