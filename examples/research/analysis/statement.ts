/** What a finding states, sentence by sentence, as the analysis compares it: its terms, its values, and whether it denies. */
import { termsOf } from '../documents/index.ts'
import type { Claim } from '../team/shapes.ts'

export interface Statement {
  readonly finding: Claim
  readonly terms: ReadonlySet<string>
  /** With the terms of the headings above. */
  readonly subject: ReadonlySet<string>
  readonly values: readonly Value[]
  readonly denies: boolean
}

/** A number and what it counts: the term after it, `%` or a currency; empty for a bare number. */
export interface Value {
  readonly number: string
  readonly unit: string
}

const number = /(?<![\p{L}\p{N}.])([€$£]?)\s?(\d+(?:[.,\s]\d{3})*(?:[.,]\d+)?)(?![\p{N}])[ \u00a0-]?(%|€|\p{L}+)?/gu
const denial = /\b(?:not|never|no|none|cannot|without|neither|nor)\b|n['’]t\b/i

/** The statement of a whole finding. */
export const statementOf = (finding: Claim): Statement => statementIn(finding, finding.quote)

/** One statement for each sentence and line of code or table. */
export function statementsIn(finding: Claim): Statement[] {
  const pieces = finding.quote.split(/(?<=[.!?])\s+(?=\p{Lu})|\n+/u).filter((piece) => piece.trim() !== '')
  return pieces.map((piece) => statementIn(finding, piece))
}

function statementIn(finding: Claim, text: string): Statement {
  const terms = new Set(termsOf(text.replace(number, ' $3 ')))
  return {
    finding,
    terms,
    subject: new Set([...terms, ...termsOf(finding.heading ?? '')]),
    values: [...text.matchAll(number)].map(([, currency = '', digits = '', word = '']) => ({
      number: digits.replace(/[,\s](?=\d{3}\b)/g, ''),
      unit: currency || (/^[%€]$/.test(word) ? word : (termsOf(word)[0] ?? '')),
    })),
    denies: denial.test(text),
  }
}

/** The share of all terms that both have, from 0 to 1. */
export function similarityOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const term of a) if (b.has(term)) shared += 1
  return shared / (a.size + b.size - shared || 1)
}
