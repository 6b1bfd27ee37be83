/**
 * Reads one file as text, or says why it is no document. Nothing here throws: a file that cannot be used
 * becomes a reason that the report lists.
 */
import { readFile, stat } from 'node:fs/promises'
import { type FormatReader, formatReader, unreadFormat } from './formats/read-format.ts'

/** The largest file that is read, in bytes. */
export const maxFileBytes = 8 * 1024 * 1024

export type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

/**
 * Reads a file as text. A byte order mark is left out.
 * @param file path of the file
 * @example
 * const read = await readText('docs/guide.md')
 * console.log(read.ok ? read.text : read.reason)
 */
export async function readText(file: string): Promise<ReadText> {
  const unread = unreadFormat(file)
  if (unread !== undefined) return { ok: false, reason: unread }
  try {
    const reader = formatReader(file)
    return reader ? await readFormat(file, reader) : decode(await readFile(file))
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

/** What was last read of formats that are slow to read, by file; the oldest is left out first. */
const converted = new Map<string, { readonly version: string; readonly read: ReadText }>()
const maxConverted = 32

async function readFormat(file: string, load: () => Promise<FormatReader>): Promise<ReadText> {
  const { mtimeMs, size } = await stat(file)
  const version = `${mtimeMs} ${size}`
  const known = converted.get(file)
  if (known?.version === version) return known.read
  const read = await convert(await readFile(file), await load())
  if (converted.size === maxConverted) converted.delete(converted.keys().next().value ?? '')
  converted.set(file, { version, read })
  return read
}

async function convert(bytes: Uint8Array, read: FormatReader): Promise<ReadText> {
  if (bytes.length > maxFileBytes) return { ok: false, reason: tooLarge(bytes.length) }
  try {
    const text = await read(bytes)
    return text.trim() === '' ? { ok: false, reason: 'empty' } : { ok: true, text }
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return { ok: false, reason: `unreadable (${message.slice(0, 120)})` }
  }
}

/** UTF-8, UTF-16 with its mark, else the single bytes of Western Europe where no control character speaks against it. */
function decode(bytes: Uint8Array): ReadText {
  if (bytes.length > maxFileBytes) return { ok: false, reason: tooLarge(bytes.length) }
  const text = decoded(bytes)
  if (text === undefined) return { ok: false, reason: 'binary' }
  return text.trim() === '' ? { ok: false, reason: 'empty' } : { ok: true, text }
}

function decoded(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const isControl = (byte: number) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127
    return bytes.some(isControl) ? undefined : new TextDecoder('windows-1252').decode(bytes)
  }
}

/** The reason given for a file of so many bytes when that is more than `maxFileBytes`. */
export function tooLarge(bytes: number): string {
  return `over 8 MB (${(bytes / 1024 / 1024).toFixed(1)} MB)`
}

/** A short reason for an error of the file system. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'EACCES' || code === 'EPERM') return 'unreadable (no permission)'
  if (code === 'ENOENT') return 'unreadable (it is no longer there)'
  if (code === 'ELOOP') return 'a link that leads to itself'
  return `unreadable (${code || String(error)})`
}
