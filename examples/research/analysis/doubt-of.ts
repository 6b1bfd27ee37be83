/** Compares a claim with its quotation: what the quotation does not bear out in words and numbers is named. */
import { termsOf } from '../documents/index.ts'
import type { Claim } from '../team/shapes.ts'

/** The least share of the claim's words that the quotation or its heading holds. */
const leastShare = 0.4

/**
 * @param claim with the headings that its document has above the passage
 * @param named the headings that the model named, which may be invented
 * @returns a sentence for the report, or undefined where nothing speaks against the claim
 */
export function doubtOf({ claim, quote, heading }: Claim, named: string | null = heading): string | undefined {
  if (claim === quote) return undefined
  if (named !== null && !isWithin(named, heading ?? '')) return `The passage does not stand under “${oneLine(named)}”.`
  const source = `${quote} ${heading ?? ''}`
  const numbers = numbersIn(claim).filter((number) => !numbersIn(source).includes(number))
  if (numbers.length > 0) return `The quotation does not hold ${numbers.map((number) => `“${number}”`).join(', ')}.`
  const held = new Set(termsOf(source))
  const terms = [...new Set(termsOf(claim))]
  const share = terms.filter((term) => held.has(term)).length / (terms.length || 1)
  return share < leastShare ? 'The quotation holds few words of this claim.' : undefined
}

/** A model may name one of several headings, in its own spacing and letters. */
const isWithin = (named: string, heading: string): boolean =>
  oneLine(heading).toLowerCase().includes(oneLine(named).toLowerCase())

const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ')

const numbersIn = (text: string): string[] =>
  [...text.matchAll(/\d+(?:[.,]\d+)*/g)].map(([number]) => number.replace(/,(?=\d{3})/g, ''))
