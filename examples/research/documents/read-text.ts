/**
 * Reads one file as UTF-8 text, or says why it is no document. Nothing here throws: a file that cannot be used
 * becomes a reason that the report lists.
 */
import { readFile } from 'node:fs/promises'

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
  try {
    return decode(await readFile(file))
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

function decode(bytes: Uint8Array): ReadText {
  if (bytes.length > maxFileBytes) return { ok: false, reason: tooLarge(bytes.length) }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return { ok: false, reason: 'not UTF-8 (it starts with the mark of UTF-16)' }
  if (bytes.includes(0)) return { ok: false, reason: 'binary' }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.trim() === '' ? { ok: false, reason: 'empty' } : { ok: true, text }
  } catch {
    return { ok: false, reason: 'not UTF-8' }
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
