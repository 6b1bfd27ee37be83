/** The parts of content: what people, tools and models exchange when a text alone is not enough. */
import { failure, invalidInput } from './errors/failure.ts'
import { maxValueBytes } from './json/copy-limit.ts'
import { checkOptions, readable } from './values/check-options.ts'
import { isObject } from './values/is-object.ts'
import type { Json } from './values/json-value.ts'
import { show } from './values/show.ts'

/** A part of the content of a message, a task, an answer or a tool result. */
export type ContentPart = TextPart | FilePart | SourcePart

/** A part that is text. */
export type TextPart = {
  readonly type: 'text'
  /** The text. */
  readonly text: string
}

/** A file; an image is a file whose media type begins with `image/`. */
export type FilePart = {
  readonly type: 'file'
  /** `image/png`, `application/pdf`, … */
  readonly mediaType: string
  /** Base64, or an `http` or `https` URL that is downloaded through the egress rules when a model is asked. */
  readonly data: string
  /** The name of the file, for models and people. */
  readonly filename?: string
}

/** A source that a model names for its answer. */
export type SourcePart = {
  readonly type: 'source'
  /** `url` for a web page, `document` for a document. */
  readonly sourceType: 'url' | 'document'
  /** The id of the source, from the provider. */
  readonly id: string
  /** The URL of a web page. */
  readonly url?: string
  /** The title of the page or document. */
  readonly title?: string
  /** The media type of a document, such as `application/pdf`. */
  readonly mediaType?: string
  /** The file name of a document. */
  readonly filename?: string
  /** Further data of the provider, such as the cited passage. */
  readonly providerMetadata?: Json
}

/** Options of `file` and `image`. */
export interface FileOptions {
  /** The media type, such as `application/pdf`, of at most 200 characters. */
  readonly mediaType: string
  /** The name of the file, for models and people. */
  readonly filename?: string
}

/** The maximal number of base64 characters of a file, so that a part with the file fits into a recorded value. */
export const maxFileCharacters = maxValueBytes - 128 * 1024

const mediaTypes = /^[a-z]+\/[\w.+-]+$/i
const base64 = /^[A-Za-z0-9+/]+={0,2}$/
const maxUrlCharacters = 2_048

/** Returns whether the data of a file is its URL. */
export const isFileUrl = (data: unknown): boolean =>
  typeof data === 'string' && data.length <= maxUrlCharacters && /^https?:\/\//i.test(data) && URL.canParse(data)

/**
 * Returns a file as a part of a tool's result, a task or another input of a model.
 * @param source bytes, base64, or the `http` or `https` URL of the file, of at most 2,048 characters
 * @throws ValidationError for another source or an invalid media type; `value.too_large` above 5.9 MiB
 * @example return [{ type: 'text', text: 'The invoice' }, file(bytes, { mediaType: 'application/pdf' })]
 */
export function file(source: Uint8Array | URL | string, options: FileOptions): FilePart {
  checkOptions('The options of a file', options, ['mediaType', 'filename'])
  const { mediaType, filename } = options
  const data = dataOf(source)
  if (typeof mediaType !== 'string' || mediaType.length > 200 || !mediaTypes.test(mediaType))
    throw invalidInput('The media type of a file', `it is ${show(mediaType)}`)
  if (!isFileUrl(data) && !base64.test(data)) throw wrongSource()
  return { type: 'file', mediaType, data, ...(filename === undefined ? {} : { filename }) }
}

const wrongSource = () => invalidInput('A file', 'it is neither bytes, base64 nor an http or https URL')

function dataOf(source: Uint8Array | URL | string): string {
  const isBytes = readable('A file', () => source instanceof Uint8Array)
  if (!isBytes && typeof source !== 'string' && !readable('A file', () => source instanceof URL)) throw wrongSource()
  const characters = isBytes ? Math.ceil((source as Uint8Array).byteLength / 3) * 4 : String(source).length
  if (characters > maxFileCharacters)
    throw failure('value.too_large', { what: 'A file', bytes: characters, limit: maxFileCharacters })
  return isBytes ? Buffer.from(source as Uint8Array).toString('base64') : String(source)
}

/**
 * Returns an image as a part of a tool's result, a task or another input of a model.
 * @param source as for `file`
 * @throws ValidationError as `file`, and for a media type that does not begin with `image/`
 * @example return image(await page.screenshot(), { mediaType: 'image/png' })
 */
export function image(source: Uint8Array | URL | string, options: FileOptions): FilePart {
  const part = file(source, options)
  if (part.mediaType.startsWith('image/')) return part
  throw invalidInput('The media type of an image', `it is ${part.mediaType}`)
}

export const isFilePart = (value: unknown): value is FilePart =>
  isObject(value) &&
  value.type === 'file' &&
  typeof value.mediaType === 'string' &&
  mediaTypes.test(value.mediaType) &&
  typeof value.data === 'string' &&
  (isFileUrl(value.data) || base64.test(value.data)) &&
  Object.keys(value).every((key) => ['type', 'mediaType', 'data', 'filename'].includes(key))

const isTextPart = (value: unknown): value is TextPart =>
  isObject(value) && value.type === 'text' && typeof value.text === 'string' && Object.keys(value).length === 2

/**
 * The parts of a value with files: itself, the list of texts and files that it is, or the value as text with its files
 * behind it, each once. Undefined for a value without files.
 */
export function contentOf(value: Json): readonly (TextPart | FilePart)[] | undefined {
  if (isFilePart(value)) return [value]
  if (!hasFile(value)) return undefined
  const isPart = (part: unknown): part is TextPart | FilePart => isTextPart(part) || isFilePart(part)
  if (Array.isArray(value) && value.every(isPart)) return value
  const files = new Map<string, FilePart>()
  const text = JSON.stringify(value, (_, inner: unknown) => {
    if (!isFilePart(inner)) return inner
    files.set(inner.data, files.get(inner.data) ?? inner)
    return { ...inner, data: `file ${[...files.keys()].indexOf(inner.data) + 1} below` }
  })
  return [{ type: 'text', text }, ...files.values()]
}

function hasFile(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return isFilePart(value) || Object.values(value).some(hasFile)
}
