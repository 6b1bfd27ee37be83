/** The documents of the research project: which are read by default, and how they are reached. */
export { DocumentIndex as SearchIndex, termsOf, verifyCitation } from 'troupe/documents'
export { defaultCorpus, defaultQuestion } from './default-corpus.ts'
export { InputError } from './input-error.ts'
