/**
 * Reads one file as text, or returns the reason why it is not a document. No function throws, so that a report can list
 * the reasons.
 */
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { truncateText } from '../../core/index.ts'
import { type FormatReader, formatReader, missingPackage, unreadFormat } from './formats/read-format.ts'

/** The maximal size of a file that is read, in bytes. */
export const maxFileBytes = 8 * 1024 * 1024

export type ReadText =
  | {
      readonly ok: true
      readonly text: string
      /** SHA-256 of the file's bytes, in base64. */
      readonly hash: string
      /** Whether a reader of its format made the text. */
      readonly converted: boolean
    }
  | {
      readonly ok: false
      readonly reason: string
      /** Whether the file gives the same reason as long as its bytes stay the same. */
      readonly permanent: boolean
    }

/** Texts of documents whose format is slow to read, by the hash of their bytes. */
export interface Conversions {
  get(hash: string): string | undefined
  set(hash: string, text: string): void
}

/**
 * Reads a file as text, without a byte order mark.
 * @param file path of the file
 * @param conversions the cache of the texts of PDFs and other converted files
 * @example
 * const read = await readText('docs/guide.md')
 * console.log(read.ok ? read.text : read.reason)
 */
export async function readText(file: string, conversions?: Conversions): Promise<ReadText> {
  const unread = unreadFormat(file)
  if (unread !== undefined) return { ok: false, reason: unread, permanent: true }
  try {
    const bytes = await readFile(file)
    if (bytes.length > maxFileBytes) return { ok: false, reason: tooLarge(bytes.length), permanent: true }
    const hashed = hash('sha256', bytes, 'base64')
    const reader = formatReader(file)
    const text = reader
      ? (conversions?.get(hashed) ?? (await convert(bytes, reader)))
      : (decoded(bytes, file) ?? binary)
    if (typeof text !== 'string') return text
    if (reader) conversions?.set(hashed, text)
    if (text.trim() === '') return { ok: false, reason: 'empty', permanent: true }
    return { ok: true, text, hash: hashed, converted: reader !== undefined }
  } catch (error) {
    return { ok: false, reason: reasonOf(error), permanent: false }
  }
}

type Unread = Extract<ReadText, { readonly ok: false }>

const binary: Unread = { ok: false, reason: 'binary', permanent: true }

async function convert(bytes: Uint8Array, read: FormatReader): Promise<string | Unread> {
  try {
    return await read(bytes)
  } catch (error) {
    const missing = missingPackage(error)
    if (missing !== undefined)
      return { ok: false, reason: `its format needs a package: npm install ${missing}`, permanent: false }
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return { ok: false, reason: `unreadable (${truncateText(message, 120)})`, permanent: true }
  }
}

/**
 * Decodes UTF-8, UTF-16 with or without a byte order mark, or else a text without control characters: in the charset that an HTML
 * page declares, otherwise in Windows-1252.
 */
function decoded(bytes: Uint8Array, file: string): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  if (bytes.includes(0)) return unmarkedUtf16(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const isControl = (byte: number) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127
    if (bytes.some(isControl)) return undefined
    const charset = /\.x?html?$/i.test(file) ? declaredCharset(bytes) : windows1252
    return new TextDecoder(charset).decode(bytes)
  }
}

/**
 * Decodes UTF-16 without a byte order mark. The zero bytes of its white space and Latin letters tell the order of its bytes.
 * @returns undefined for other data, which has control characters or numbers without a character
 */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const zeros = [0, 0]
  for (const [i, byte] of bytes.subarray(0, 65_536).entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const [first = 0, second = 0] = zeros
  try {
    const text = new TextDecoder(second > first ? 'utf-16le' : 'utf-16be', { fatal: true }).decode(bytes)
    return /(?![\t\n\f\r])\p{Cc}|[\p{Cn}\p{Co}]/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

const windows1252 = 'windows-1252'

/** Returns the charset that a page declares in its first 1,024 bytes, as browsers search it. */
function declaredCharset(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 1_024)).toString('latin1')
  const [, charset] = /\b(?:charset|encoding)\s*=\s*["']?\s*([\w-]+)/i.exec(head) ?? []
  // The page is neither UTF-8 nor UTF-16, whatever it declares.
  if (charset === undefined || /^utf/i.test(charset)) return windows1252
  try {
    return new TextDecoder(charset).encoding
  } catch {
    return windows1252
  }
}

/** Returns the reason for a file whose size exceeds `maxFileBytes`. */
export function tooLarge(bytes: number): string {
  return `over 8 MB (${(bytes / 1024 / 1024).toFixed(1)} MB)`
}

/** Returns a short reason for an error of the file system. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'EACCES' || code === 'EPERM') return 'unreadable (no permission)'
  if (code === 'ENOENT') return 'unreadable (it no longer exists)'
  if (code === 'ELOOP') return 'a link that leads to itself'
  return `unreadable (${code || String(error)})`
}
