/** The namespace `Documents`: types that signatures of the search in documents name. */
export type {
  AnswerOptions,
  Citation,
  CitationSource,
  CitationVerdict,
  DocumentAnswer,
  DocumentEmbeddings,
  DocumentKind,
  DocumentSources,
  Extraction,
  FoundCitation,
  Heading,
  IndexedDocument,
  IndexOptions,
  ReadLines,
  SearchHit,
  SkippedFile,
} from './documents/index.ts'
