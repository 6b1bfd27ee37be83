/**
 * Makes quotations of ranked units: as much of the text as answers, at most 20 lines of it. A sentence that ends with a
 * colon brings the list or the code that it leads to; code brings the sentence that leads to it.
 */
import type { Block, CandidatePassage } from './blocks.ts'
import type { RankedUnit } from './rank-units.ts'
import type { Sliceable } from './terms/text-pieces.ts'

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

/**
 * @param weakest units with less than this share of the best score are left out
 * @returns the quotations of the best units, best first; two that overlap are one
 */
export function quotationsOf(
  ranked: readonly RankedUnit[],
  passages: readonly CandidatePassage[],
  weakest = weakestByWords,
): Quotation[] {
  const blocks = blocksByDocument(passages)
  const best = ranked[0]?.score ?? 0
  const chosen: Quotation[] = []
  for (const unit of ranked.slice(0, considered)) {
    if (chosen.length === maxQuotations || unit.score < best * weakest) break
    const { start, end } = extent(unit, blocks.get(unit.document) ?? [])
    const overlaps = chosen.some((one) => one.document === unit.document && start < one.end && end > one.start)
    if (!overlaps) chosen.push({ document: unit.document, text: unit.text, start, end, unit })
  }
  return chosen
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

function extent({ unit, text }: RankedUnit, blocks: readonly Block[]): { start: number; end: number } {
  let { start, end } = unit
  const at = blocks.indexOf(unit.block)
  const next = blocks[at + 1]
  const before = blocks[at - 1]
  const fits = (from: number, to: number) =>
    to - from <= limits.characters && text.slice(from, to).split('\n').length <= limits.lines
  const adjacent = (first: Block, second: Block) =>
    first.section === second.section && /^\s*(?:>\s*)?(?:[`~]{3,}[^\n]*)?\s*$/.test(text.slice(first.end, second.start))
  if (unit.kind === 'code') {
    if (before && before.kind !== 'code' && before.kind !== 'row' && adjacent(before, unit.block)) {
      const from = lastSentence(text, before)
      if (from < before.end && fits(from, end)) start = from
    }
    return closed(text, { start, end })
  }
  if (unit.kind === 'row') return { start, end }
  // The rest of a short paragraph says the rest of it.
  if (end - start < limits.sentence) {
    const rest = unit.block.end
    if (rest - start <= limits.sentence) end = rest
    else end = Math.max(end, sentenceEnd(text, end, Math.min(rest, start + limits.sentence)))
  }
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

/** A quotation that opens a fence ends with its closing one. */
function closed(text: Sliceable, { start, end }: { start: number; end: number }): { start: number; end: number } {
  const opened = text.slice(start, end).match(/^\s*(?:>\s?)*(?:```|~~~)/gm)?.length ?? 0
  if (opened % 2 === 0) return { start, end }
  const closing = /^\s*\n[ \t]*(?:>\s?)*(?:`{3,}|~{3,})[ \t]*(?=\n|$)/.exec(text.slice(end, end + 40))
  return { start, end: closing ? end + closing[0].length : end }
}

function sentenceEnd(text: Sliceable, from: number, to: number): number {
  const rest = text.slice(from, to)
  const ends = [...rest.matchAll(/[.!?](?=\s|$)/g)].at(-1)
  return ends ? from + ends.index + 1 : from
}

function lastSentence(text: Sliceable, block: Block): number {
  const lead = text.slice(block.start, block.end)
  if (lead.length <= limits.sentence) return block.start
  const ends = [...lead.matchAll(/[.!?]\s+(?=[\p{Lu}`*[])/gu)].at(-1)
  return ends && lead.length - ends.index <= limits.sentence ? block.start + ends.index + ends[0].length : block.end
}
