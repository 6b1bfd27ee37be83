/** Search in folders of documents: reading them, answering from them with citations, checking citations. */
export type { FoundCitation } from './citation-of.ts'
export { createDocumentIndex } from './create-document-index.ts'
export {
  type AnswerOptions,
  type DocumentAnswer,
  DocumentIndex,
  type ReadLines,
  type SearchHit,
} from './document-index.ts'
export type { IndexedDocument, IndexOptions } from './passage-index.ts'
export type { DocumentReranking } from './ranking/rerank-units.ts'
export { isSignificant, termsOf } from './ranking/terms/terms.ts'
export type { DocumentKind, Extraction } from './reading/extract.ts'
export type { Heading } from './reading/heading.ts'
export type { DocumentSources, SkippedFile } from './reading/load-documents.ts'
export type { DocumentEmbeddings } from './vector-index.ts'
export { type Citation, type CitationSource, type CitationVerdict, verifyCitation } from './verify-citation.ts'
