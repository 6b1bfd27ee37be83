/** Tools over an index of documents: one finds the passages that answer a question, one reads on. */
import { z } from 'zod'
import { capture, checkFunction, checkOptions, fieldOf, listOf } from '../core/index.ts'
import type { DocumentIndex, DocumentSources } from '../documents/index.ts'
import { defineTool, type SearchCall, type Tool } from './define-tool.ts'

const maxQuery = 1_000
const maxQuestion = 4_000
const withoutEmbedding = 'The embedding model could not be asked: the passages were found by their words alone.'
const withoutReranking = 'The reranking model could not be asked: the passages have the order of the search.'

/**
 * Returns the tool `search_documents`: it returns the passages of the documents that answer a question, the best first,
 * each with its file, lines and headings. In a step, it also compares meaning if the index was opened with `embedding`
 * or the troupe has `models.embedding`, and `models.reranking` orders the passages; if a model fails, `note` says so. Its results carry the label
 * `untrusted:documents`.
 * @param documents an index, or the folders of the documents, which the first call indexes
 * @example
 * const index = await DocumentIndex.open({ folders: ['docs'] }, { store: 'data/docs.index' })
 * const helper = new LlmAgent({ name: 'Helper', instructions: 'Answer from the documents.', tools: [searchDocuments(index)] })
 * const other = helper.with({ tools: [searchDocuments({ folders: ['docs'] })] })
 */
export function searchDocuments(documents: DocumentIndex | DocumentSources): Tool {
  const openIndex = indexOpener(documents)
  return defineTool({
    name: 'search_documents',
    description:
      'Finds the passages of the documents that answer a question best, best first, each with its file and line. ' +
      'Those that are `near` speak of the same things and are not likely to answer.',
    inputSchema: z.object({
      query: z.string().min(1).max(maxQuery),
      whole_question: z.string().max(maxQuestion).optional().describe('The question of which the query is a part.'),
    }),
    effect: 'read',
    untrusted: 'documents',
    execute: async ({ query, whole_question }, { signal, embeddings, reranking }: SearchCall) => {
      const partOf = whole_question === undefined ? {} : { partOf: whole_question }
      const models = { ...(embeddings ? { embedding: embeddings } : {}), ...(reranking ? { reranking } : {}) }
      const index = await openIndex()
      const { found, citations, ...asked } = await index.answer(query, { ...partOf, ...models, signal })
      const notes = [
        ...(asked.embedding?.error === undefined ? [] : [withoutEmbedding]),
        ...(asked.reranking?.error === undefined ? [] : [withoutReranking]),
      ]
      return {
        passages: citations.map((citation) => ({ ...citation, near: !found })),
        ...(notes.length === 0 ? {} : { note: notes.join(' ') }),
      }
    },
  })
}

/** Returns the function that returns the index. Of folders it opens one at its first call; a failed opening is repeated. */
function indexOpener(documents: DocumentIndex | DocumentSources): () => Promise<DocumentIndex> {
  if (typeof fieldOf(documents, 'answer') === 'function') return async () => documents as DocumentIndex
  const sources = capture(documents as DocumentSources)
  checkOptions('searchDocuments', sources, ['folders', 'files'])
  listOf('The folders of searchDocuments', sources.folders)
  let opened: Promise<DocumentIndex> | undefined
  const open = async () => {
    const { DocumentIndex: Index } = await import('../documents/index.ts')
    return Index.open(sources)
  }
  const openOnce = () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
  return openOnce
}

/**
 * Returns the tool `read_document`: it reads lines of one of the documents, at most 400 at once. Its results are labelled
 * untrusted with the source `documents`.
 * @param index the documents that it reads
 */
export function readDocument(index: DocumentIndex): Tool {
  checkFunction('read of the index of readDocument', fieldOf(index, 'read'))
  return defineTool({
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
      const { document: file, ...lines } = found
      return { file, ...lines }
    },
  })
}
