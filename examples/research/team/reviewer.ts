/**
 * Checks every citation of the draft against its file. The check is code: no model is asked. What is wrong goes back to
 * the Writer, at most twice; what is wrong then is struck out and named in the report.
 */
import { defineAgent, type StepContext } from 'troupe'
import type { Documents } from 'troupe/documents'
import { doubtOf } from '../analysis/doubt-of.ts'
import type { SearchIndex } from '../documents/index.ts'
import { withSupport } from './draft.ts'
import { checkCitations, headingsOf } from './library.ts'
import {
  type Analysis,
  type Citation,
  Draft,
  type Drafted,
  limits,
  Review,
  type Section,
  type Struck,
} from './shapes.ts'
import { AnalysisKey, type ProjectOf, Remarks } from './shared.ts'

/** A Writer's model may think for long. */
const requestTimeout = '30m'

export const createReviewer = (index: SearchIndex, projectOf: ProjectOf) =>
  defineAgent({
    name: 'Reviewer',
    description: 'Checks every citation against its source.',
    inputSchema: Draft,
    outputSchema: Review,
    async run(draft, ctx) {
      const analysis = await ctx.context.get(AnalysisKey(projectOf(ctx)))
      let results = await checkSections(ctx, index, draft.sections)
      let checked = countOf(results)
      let sentBack = 0
      while (sentBack < limits.rounds && results.some(({ wrong }) => wrong.length > 0)) {
        sentBack += 1
        const revised = await Promise.all(results.map((one) => revise(ctx, one, analysis)))
        results = await checkSections(ctx, index, revised)
        checked += countOf(results)
      }
      const contradictionSides = draft.contradictions.flatMap(({ first, second }) => [first, second])
      const faults = (await verdictsOf(ctx, index, contradictionSides)).map(faultOf)
      const struck = contradictionSides.flatMap((citation, i) => (faults[i] ? [{ citation, fault: faults[i] }] : []))
      return {
        sections: results.map(soundOf),
        contradictions: draft.contradictions.filter((_, i) => !faults[2 * i] && !faults[2 * i + 1]),
        struck: [...results.flatMap(struckOf), ...struck],
        checked: checked + contradictionSides.length,
        sent_back: sentBack,
      }
    },
  })

interface CheckedSection {
  /** Without supporting passages that are wrong: those are not worth sending back. */
  readonly section: Section
  readonly wrong: readonly { readonly claim: Drafted; readonly fault: string }[]
  readonly checked: number
}

async function checkSections(
  ctx: StepContext,
  index: SearchIndex,
  sections: readonly Section[],
): Promise<CheckedSection[]> {
  const results: CheckedSection[] = []
  for (const section of sections) results.push(await checkSection(ctx, index, section))
  return results
}

async function checkSection(ctx: StepContext, index: SearchIndex, section: Section): Promise<CheckedSection> {
  const citations = section.claims.flatMap((claim): Citation[] => [claim, ...claim.support])
  const found = await verdictsOf(ctx, index, citations)
  const verdicts = new Map(citations.map((citation, i) => [citation, found[i]]))
  const faultIn = (citation: Citation) => faultOf(verdicts.get(citation))
  const headings = await headingsOf(ctx, index, section.claims.map(citationOf))
  const claims = section.claims.map((claim, i) => {
    const verdict = verdicts.get(claim)
    const heading = soundHeading(claim.heading, headings[i] ?? null)
    const doubt = doubtOf({ ...claim, heading }, claim.heading)
    return {
      claim: {
        ...claim,
        heading,
        support: claim.support.filter((one) => faultIn(one) === undefined),
        ...(verdict?.ok ? { end_line: verdict.endLine } : {}),
        ...(doubt === undefined ? {} : { doubt }),
      },
      fault: faultIn(claim),
    }
  })
  return {
    section: { ...section, claims: claims.map(({ claim }) => claim) },
    wrong: claims.flatMap(({ claim, fault }) => (fault === undefined ? [] : [{ claim, fault }])),
    checked: citations.length,
  }
}

/** The headings that the document has; what stands after them is the header of a table. */
function soundHeading(named: string | null, real: string | null): string | null {
  if (real === null || real === '') return named?.startsWith('|') ? named : null
  return named?.startsWith(real) ? named : real
}

const countOf = (results: readonly CheckedSection[]): number => results.reduce((sum, { checked }) => sum + checked, 0)

const soundOf = ({ section, wrong }: CheckedSection): Section => ({
  ...section,
  claims: section.claims.filter((claim) => !wrong.some((one) => one.claim === claim)),
})

const struckOf = ({ section: { number }, wrong }: CheckedSection): Struck[] =>
  wrong.map(({ claim: { quote, file, line }, fault }) => ({ number, citation: { quote, file, line }, fault }))

const citationOf = ({ quote, file, line }: Citation): Citation => ({ quote, file, line })
const faultOf = (verdict: Documents.CitationVerdict | undefined): string | undefined =>
  verdict === undefined || verdict.ok ? undefined : verdict.message

async function verdictsOf(
  ctx: StepContext,
  index: SearchIndex,
  citations: readonly Citation[],
): Promise<readonly Documents.CitationVerdict[]> {
  return citations.length === 0 ? [] : checkCitations(ctx, index, citations.map(citationOf))
}

/** Sends a section back in which something is wrong, with what may be cited instead. */
async function revise(
  ctx: StepContext,
  { section, wrong }: CheckedSection,
  analysis: Analysis | undefined,
): Promise<Section> {
  if (wrong.length === 0) return section
  const ranked = analysis?.sections.find((one) => one.number === section.number)?.findings ?? []
  const rejected = (finding: Citation) =>
    wrong.some(
      ({ claim: { quote, file, line } }) => quote === finding.quote && file === finding.file && line === finding.line,
    )
  const findings = ranked.filter((one) => !rejected(one)).map(({ support: _, ...claim }) => claim)
  const remarks = wrong.map(({ claim: { support: _, end_line: __, doubt: ___, ...claim }, fault }) => ({
    claim,
    fault,
  }))
  const payload = { question: section.question, remarks, findings }
  const { claims } = await ctx.request(Remarks, payload, { to: 'Writer', timeout: requestTimeout })
  return { ...section, claims: withSupport(claims, ranked) }
}
