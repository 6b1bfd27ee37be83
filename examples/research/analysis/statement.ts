/** A finding as the analysis compares it: its terms, its numbers, and whether it denies. */
import { termsOf } from '../documents/index.ts'
import type { Claim } from '../team/shapes.ts'

export interface Statement {
  readonly finding: Claim
  readonly terms: ReadonlySet<string>
  readonly numbers: readonly string[]
  readonly denies: boolean
}

const number = /(?<![\p{L}\p{N}.])\d+(?:[.,]\d+)*(?![\p{L}\p{N}])/gu
const denial = /\b(?:not|never|no|none|cannot|without|neither|nor)\b|n['’]t\b/i

export function statementOf(finding: Claim): Statement {
  const text = finding.quote
  return {
    finding,
    terms: new Set(termsOf(text.replace(number, ' '))),
    numbers: [...new Set([...text.matchAll(number)].map(([digits]) => digits.replaceAll(',', '')))].sort(),
    denies: denial.test(text),
  }
}

/** The share of all terms that both have, from 0 to 1. */
export function similarityOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const term of a) if (b.has(term)) shared += 1
  return shared / (a.size + b.size - shared || 1)
}
