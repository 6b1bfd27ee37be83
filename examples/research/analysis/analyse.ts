/** Groups, ranks and cross-checks what the researchers found, and names what is missing. */
import { termsOf } from '../documents/index.ts'
import type { Analysis, Claim, Findings, Gap } from '../team/shapes.ts'
import { findContradictions } from './find-contradictions.ts'
import { rankFindings } from './rank-findings.ts'
import { statementOf } from './statement.ts'

/** Each passage stands in one section: the one whose question it answers best. */
export function analyse(research: readonly Findings[]): Analysis {
  const homes = homesOf(research)
  const sections = research.map(({ number, question, findings }) => ({
    number,
    question,
    findings: rankFindings(
      question,
      findings.filter((finding) => homes.get(claimKeyOf(finding)) === number),
    ),
  }))
  const statements = sections.flatMap(({ findings }) => findings.map(statementOf))
  const gaps = research.flatMap((part, i) => gapsOf(part, sections[i]?.findings ?? []))
  return { sections, contradictions: findContradictions(statements), gaps }
}

/** Words of questions that tell nothing about what is asked. */
const hollow = new Set(
  termsOf(`application case differ does doing done example find get give handle happen have help know like make mean need real
  really show take tell thing use used using want way work`),
)

const claimKeyOf = ({ file, quote }: Claim) => `${file}\n${quote}`

function homesOf(research: readonly Findings[]): Map<string, number> {
  const homes = new Map<string, { number: number; share: number }>()
  for (const { number, question, findings } of research) {
    const wanted = [...new Set(termsOf(question))]
    for (const finding of findings) {
      const terms = new Set(termsOf(`${finding.quote} ${finding.heading ?? ''}`))
      const share = wanted.filter((term) => terms.has(term)).length / (wanted.length || 1)
      const known = homes.get(claimKeyOf(finding))
      if (!known || share > known.share) homes.set(claimKeyOf(finding), { number, share })
    }
  }
  return new Map([...homes].map(([claimKey, { number }]) => [claimKey, number]))
}

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
