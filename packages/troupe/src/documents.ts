/** `troupe/documents`: search in folders of documents, with citations that are checked. */

export type * as Documents from './document-types.ts'
export { createDocumentIndex, DocumentIndex, termsOf, verifyCitation } from './documents/index.ts'
export { readDocument, searchDocuments } from './tools/index.ts'
