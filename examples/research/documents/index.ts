/** The documents of the research example: reading them, searching them, and checking what is quoted from them. */
export { defaultCorpus, defaultQuestion } from './default-corpus.ts'
export { InputError } from './input-error.ts'
export { SearchIndex } from './search-index.ts'
export { termsOf } from './terms.ts'
export { type Citation, type CitationVerdict, verifyCitation } from './verify-citation.ts'
