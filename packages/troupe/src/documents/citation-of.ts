/** Makes a citation of a quotation: its lines in the file, the headings above it, and its text as it is shown. */
import type { Quotation } from './ranking/quotations.ts'
import { proseOf } from './ranking/units.ts'
import type { Extraction } from './reading/extract.ts'

/** A quotation with its location. */
export interface FoundCitation {
  /** The path of the document, as it is cited. */
  readonly file: string
  /** The line, from 1, in which the quotation starts. */
  readonly line: number
  /** The line in which the quotation ends. */
  readonly endLine: number
  /** The headings above it and the header of its table, joined by ` › `. */
  readonly heading: string
  /** The text; code, tables and lists keep their lines, prose is one line. */
  readonly quote: string
}

export function citationOf({ document, text, start, end, unit }: Quotation, extraction: Extraction): FoundCitation {
  const { block } = unit.unit
  // The marks that open a comment or a quotation may be in separate lines.
  const marks =
    block.kind === 'code' ? 0 : (/^(?:\s|\/\*+|\*+(?=\s)|\/\/+|>)*/.exec(text.slice(start, end))?.[0].length ?? 0)
  const verbatim = text.slice(start + marks, end)
  const listed = block.kind !== 'comment' && /\n[ \t]*(?:[-*+]|\d{1,3}[.)])\s/.test(verbatim)
  const structured =
    block.kind === 'code' || block.kind === 'row' || listed || /^[ \t]*(?:>[ \t]?)*(?:```|~~~|\|)/m.test(verbatim)
  const table = block.kind === 'row' && block.lead !== '' ? [block.lead.replace(/^\s*\||\|\s*$/g, '').trim()] : []
  return {
    file: document,
    line: extraction.lineAt(start + marks),
    endLine: extraction.lineAt(end - 1),
    heading: [...block.section.above, block.section.heading, ...table].filter((one) => one !== '').join(' › '),
    quote: structured ? verbatim.trim() : proseOf(verbatim),
  }
}
