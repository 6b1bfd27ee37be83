/**
 * Reads documents that are not plain text. Each reader is loaded when a document of its format is met for the first time,
 * so that a folder of text pays for none of them.
 */
import { extname } from 'node:path'

/** @returns the text in the form that `kindOf` names for the file; throws for a damaged or protected file */
export type FormatReader = (bytes: Uint8Array) => Promise<string>

const readers: Readonly<Record<string, () => Promise<FormatReader>>> = {
  '.pdf': async () => (await import('./read-pdf.ts')).readPdf,
  '.docx': async () => (await import('./read-docx.ts')).readDocx,
  '.epub': async () => (await import('./read-epub.ts')).readEpub,
  '.eml': async () => (await import('./read-mail.ts')).readMail,
  '.ipynb': async () => (await import('./read-notebook.ts')).readNotebook,
}

const images = /\.(?:png|jpe?g|gif|webp|avif|bmp|tiff?|ico|heic|psd)$/i
const archives = /\.(?:zip|tar|t?gz|bz2|xz|7z|rar|jar|zst)$/i

export function formatReader(path: string): (() => Promise<FormatReader>) | undefined {
  return readers[extname(path).toLowerCase()]
}

/** Why a file is not read because of what it is; undefined where its content decides. */
export function unreadFormat(path: string): string | undefined {
  if (images.test(path)) return 'an image: images are not read'
  return archives.test(path) ? 'an archive: archives are not opened' : undefined
}
