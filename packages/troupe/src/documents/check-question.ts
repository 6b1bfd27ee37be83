/** Checks what a caller passes to an index of documents. */
import { checkOptions, checkPath, checkText, fieldOf, invalidInput, listOf } from '../core/index.ts'
import type { DocumentSources } from './reading/load-documents.ts'
import type { DocumentEmbeddings } from './vector-index.ts'

/** The longest question in characters: its time grows faster than its length. */
const maxQuery = 10_000

/** @throws ValidationError if the value is not a text, or too long for a question */
export function checkQuestion(what: string, text: unknown): void {
  const { length } = checkText(what, text)
  if (length > maxQuery) throw invalidInput(what, `it has ${length} characters, at most ${maxQuery}`)
}

/** @throws ValidationError if the value is not a list of paths */
export function checkSources(sources: DocumentSources): void {
  checkOptions('The sources of DocumentIndex.open', sources, ['folders', 'files'])
  for (const folder of listOf('folders', sources.folders)) checkPath('A folder of documents', folder)
  for (const file of listOf('files', sources.files ?? [])) checkPath('A file of documents', file)
}

/** Returns a number without its fraction. @throws ValidationError if the value is not a number */
export function integerOf(what: string, value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return Math.trunc(value)
  throw invalidInput(what, 'it must be a number')
}

export function checkEmbeddings(embeddings: DocumentEmbeddings | undefined): DocumentEmbeddings | undefined {
  if (embeddings === undefined) return undefined
  const model = fieldOf(embeddings, 'model')
  const embed = fieldOf(embeddings, 'embed')
  if (typeof model === 'string' && model !== '' && typeof embed === 'function') return embeddings
  const problem = 'it is not a { model, embed } with a name and a function'
  throw invalidInput('embedding', problem)
}
