/** A value as a person reads it: texts as they are, and a line for each file in place of its base64. */
import { type FilePart, isFilePart, isFileUrl, isObject } from '../../core/index.ts'

export function contentText(value: unknown): string {
  if (typeof value === 'string') return value
  const parts = Array.isArray(value) ? value : [value]
  if (parts.length > 0 && parts.every(isPart)) return parts.map(partText).join('\n')
  return JSON.stringify(value, (_, inner) => (isFilePart(inner) ? fileText(inner) : inner), 2)
}

type Part = FilePart | { readonly type: 'text'; readonly text: string }

const isPart = (value: unknown): value is Part =>
  isFilePart(value) || (isObject(value) && value.type === 'text' && typeof value.text === 'string')

const partText = (part: Part): string => (part.type === 'text' ? part.text : fileText(part))

function fileText({ mediaType, data, filename }: FilePart): string {
  const size = isFileUrl(data) ? data : `${Math.ceil((data.length * 3) / 4 / 1024)} KiB, see --json`
  return `[${[filename, mediaType, size].filter((part) => part !== undefined).join(', ')}]`
}
