/** The documents as the code of the team's members reaches them: effects, recorded as `read`. */
import type { StepContext } from 'troupe'
import type { Documents } from 'troupe/documents'
import { type SearchIndex, verifyCitation } from '../documents/index.ts'
import { type Citation, limits, type Near, type Survey } from './shapes.ts'

/** What there is to read, with the files that could not be. */
export const surveyDocuments = (ctx: StepContext, index: SearchIndex): Promise<Survey> =>
  ctx.effect('survey documents', { class: 'read' }, () => ({
    documents: index.documents.length,
    passages: index.passageCount,
    bytes: index.documents.reduce((sum, { bytes }) => sum + bytes, 0),
    skipped: index.skipped.slice(0, limits.skipped).map(({ path, reason }) => ({ path, reason })),
    skipped_count: index.skipped.length,
  }))

/** What comes nearest to a question that nothing answers. */
export const nearMisses = (ctx: StepContext, index: SearchIndex, question: string, partOf: string): Promise<Near[]> =>
  ctx.effect('find near misses', { class: 'read', input: { question, partOf } }, async () => {
    const { citations } = await index.answer(question, { partOf, limit: 2 })
    return citations.map(({ file, line, endLine, heading, quote }) => ({
      file,
      line,
      end_line: endLine,
      heading,
      quote,
    }))
  })

/** The headings above some citations, as the documents have them. */
export const headingsOf = (
  ctx: StepContext,
  index: SearchIndex,
  citations: readonly Citation[],
): Promise<(string | null)[]> =>
  ctx.effect('read headings', { class: 'read', input: citations }, async () => {
    const headings: (string | null)[] = []
    for (const { file, line } of citations) headings.push((await index.headingAt(file, line)) ?? null)
    return headings
  })

/** Checks citations against their files, read anew. */
export const checkCitations = (
  ctx: StepContext,
  index: SearchIndex,
  citations: readonly Citation[],
): Promise<readonly Documents.CitationVerdict[]> =>
  ctx.effect('check citations', { class: 'read', input: citations }, async () => {
    const verdicts: Documents.CitationVerdict[] = []
    for (const { file, line, quote } of citations) verdicts.push(await verifyCitation(index, { file, line, quote }))
    return verdicts
  })
