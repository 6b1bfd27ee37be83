/** Opens an index of documents. */
import { DocumentIndex } from './document-index.ts'
import type { IndexOptions } from './passage-index.ts'
import type { DocumentSources } from './reading/load-documents.ts'

/**
 * Reads the documents of some folders and indexes them, as `DocumentIndex.open` does.
 * @throws ValidationError as `DocumentIndex.open`
 * @example const index = await createDocumentIndex({ folders: ['docs'] })
 */
export const createDocumentIndex = (sources: DocumentSources, options: IndexOptions = {}): Promise<DocumentIndex> =>
  DocumentIndex.open(sources, options)
