/** The documents of the research example: reading them, searching them, and checking what is quoted from them. */
export { defaultCorpus, defaultQuestion } from './default-corpus.ts'
export { type DocumentKind, type Extraction, extract, kindOf } from './extract.ts'
export type { Heading } from './heading.ts'
export { InputError } from './input-error.ts'
export {
  type DocumentSources,
  type Loaded,
  type LoadOptions,
  loadDocuments,
  type SkippedFile,
  type SourceDocument,
} from './load-documents.ts'
export { type Passage, splitPassages } from './passages.ts'
export { type ReadLines, type SearchHit, SearchIndex } from './search-index.ts'
export { type Citation, type CitationSource, type CitationVerdict, verifyCitation } from './verify-citation.ts'
