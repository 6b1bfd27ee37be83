/** The documents as the team's members reach them: two tools for models, and effects for code. */
import { defineTool, type StepContext } from 'troupe'
import { z } from 'zod'
import { type CitationVerdict, type SearchIndex, verifyCitation } from '../documents/index.ts'
import { type Citation, limits, type Near, type Survey } from './shapes.ts'

/** Reading changes nothing, so that these are recorded as `read`: done again only where no record was made. */
export function libraryTools(index: SearchIndex) {
  const search = defineTool({
    name: 'search_documents',
    description:
      'Finds the passages of the documents that answer a question best, best first, each with its file and line. ' +
      'Those that are `near` speak of the same things and are not likely to answer.',
    inputSchema: z.object({
      query: z.string().min(1).max(1_000),
      whole_question: z.string().max(limits.questionCharacters).optional().describe('What the query is a part of.'),
    }),
    effect: 'read',
    untrusted: 'documents',
    execute: async ({ query, whole_question }) => {
      const { found, citations } = await index.answer(
        query,
        whole_question === undefined ? {} : { partOf: whole_question },
      )
      return {
        passages: citations.map(({ file, line, endLine, heading, quote }) => ({
          file,
          line,
          endLine,
          heading,
          quote,
          near: !found,
        })),
      }
    },
  })
  const read = defineTool({
    name: 'read_document',
    description: 'Reads lines of one document, at most 400 at once.',
    inputSchema: z.object({
      path: z.string().min(1),
      from: z.number().int().min(1).optional(),
      to: z.number().int().min(1).optional(),
    }),
    effect: 'read',
    untrusted: 'documents',
    execute: async ({ path, from, to }) => {
      const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
      const found = await index.read(path, range)
      if (!found) return { error: `There is no document ${path}: use a path that search_documents gave.` }
      return {
        file: found.document,
        startLine: found.startLine,
        endLine: found.endLine,
        lines: found.lines,
        text: found.text,
      }
    },
  })
  return { search_documents: search, read_document: read }
}

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
): Promise<readonly CitationVerdict[]> =>
  ctx.effect('check citations', { class: 'read', input: citations }, async () => {
    const verdicts: CitationVerdict[] = []
    for (const { file, line, quote } of citations) verdicts.push(await verifyCitation(index, { file, line, quote }))
    return verdicts
  })
