/** Groups, ranks and cross-checks what the researchers found, and names what is missing. */
import { termsOf } from '../documents/index.ts'
import type { Analysis, Claim, Contradiction, Findings, Gap } from '../team/shapes.ts'
import { findContradictions } from './find-contradictions.ts'
import { groupFindings } from './group-findings.ts'

/** A passage may answer several sub-questions. */
export function analyse(research: readonly Findings[]): Analysis {
  const sections = research.map(({ number, question, findings }) => ({
    number,
    question,
    findings: groupFindings(findings),
  }))
  const within = sections.flatMap(({ findings, question }) => findContradictions(findings, question))
  const across = findContradictions(sections.flatMap(({ findings }) => findings))
  const gaps = research.flatMap((part, i) => gapsOf(part, sections[i]?.findings ?? []))
  return { sections, contradictions: different([...within, ...across]), gaps }
}

function different(pairs: readonly Contradiction[]): Contradiction[] {
  const keyOf = ({ first, second }: Contradiction) =>
    [first, second]
      .map(({ file, quote }) => `${file}\n${quote}`)
      .sort()
      .join('\n')
  return [...new Map(pairs.map((pair) => [keyOf(pair), pair])).values()]
}

/** Words of questions that tell nothing about what is asked. */
const hollow = new Set(
  termsOf(`application case differ does doing done example find get give handle happen have help know like make mean need real
  really show take tell thing use used using want way work`),
)

/** What the researcher missed, and the words of the question that none of its findings holds. */
function gapsOf({ number, question, not_found }: Findings, selected: readonly Claim[]): Gap[] {
  if (selected.length === 0) return [{ number, what: question }, ...others(number, question, not_found)]
  const held = new Set(selected.flatMap(({ quote, claim, heading = '' }) => termsOf(`${quote} ${claim} ${heading}`)))
  const words = [...new Set(question.match(/[\p{L}\p{N}_-]+/gu) ?? [])]
  const silent = words.filter(
    (word) =>
      word.length > 2 && termsOf(word).length > 0 && !termsOf(word).some((term) => held.has(term) || hollow.has(term)),
  )
  const named = silent.map((word) => `“${word}”`).join(', ')
  const uncovered = silent.length > 0 ? [{ number, what: `no passage found for this speaks of ${named}` }] : []
  return [...others(number, question, not_found), ...uncovered]
}

const others = (number: number, question: string, notFound: readonly string[]): Gap[] =>
  [...new Set(notFound)].filter((what) => what.trim() !== '' && what !== question).map((what) => ({ number, what }))
