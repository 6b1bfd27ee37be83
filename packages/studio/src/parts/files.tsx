/** The files of a value: images are shown, other files can be saved. A file by URL is a link, and the page does not load it. */
import { count } from '../format.ts'
import { visible } from '../visible.ts'

interface FileOfValue {
  readonly mediaType: string
  /** Base64, or a URL. */
  readonly data: string
  readonly filename?: string
}

/** Formats that browsers draw and that hold no program. */
const shownTypes = /^image\/(png|jpeg|gif|webp|avif)$/i
const savedTypes = /^[a-z]+\/[\w.+-]+$/i
const url = /^https?:\/\//i
const maxShown = 20
const shortData = 200

function fileOf(value: object): FileOfValue | undefined {
  const { type, mediaType, data, filename } = value as Readonly<Record<string, unknown>>
  // A prompt wraps the data: { type: 'data', data }.
  const inner = typeof data === 'object' && data !== null ? (data as { readonly data?: unknown }).data : data
  if (type !== 'file' || typeof mediaType !== 'string' || typeof inner !== 'string') return undefined
  return { mediaType, data: inner, ...(typeof filename === 'string' ? { filename } : {}) }
}

/** Returns the files of a JSON value in their order, each once. */
export function filesIn(value: unknown, files = new Map<string, FileOfValue>()): readonly FileOfValue[] {
  if (typeof value !== 'object' || value === null) return []
  const file = fileOf(value)
  if (file) files.set(file.data, files.get(file.data) ?? file)
  else for (const inner of Object.values(value)) filesIn(inner, files)
  return [...files.values()]
}

/** Returns the value with the length of each file in place of its base64. */
export const withoutBase64 = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  const file = fileOf(value)
  if (file && !url.test(file.data) && file.data.length > shortData)
    return { ...value, data: `${count(file.data.length)} characters of base64` }
  if (Array.isArray(value)) return value.map(withoutBase64)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBase64(inner)]))
}

export function Files({ value }: { readonly value: unknown }) {
  const files = filesIn(value)
  if (files.length === 0) return null
  return (
    <ul className="plain files">
      {files.slice(0, maxShown).map(({ mediaType, data, filename }) => {
        const name = visible(filename ?? mediaType)
        if (url.test(data))
          return (
            <li key={data}>
              <a className="break" href={data} target="_blank" rel="noreferrer noopener">
                {visible(data)}
              </a>
            </li>
          )
        // The type of a data URL ends at its first semicolon, and a link that saves needs no parameters.
        const type = savedTypes.test(mediaType) ? mediaType : 'application/octet-stream'
        const source = `data:${type};base64,${data}`
        return (
          <li key={data}>
            {shownTypes.test(mediaType) && <img src={source} alt={name} loading="lazy" />}
            <a href={source} download={filename ?? 'file'}>
              Save {name}
            </a>
          </li>
        )
      })}
      {files.length > maxShown && <li>{count(files.length - maxShown)} more files are not shown.</li>}
    </ul>
  )
}
