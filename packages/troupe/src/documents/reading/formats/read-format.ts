/**
 * Reads documents that are not plain text. The package of a format is loaded for the first document of the format, so that
 * a folder of text needs none.
 */
import { extname } from 'node:path'
import { readDocx } from './read-docx.ts'
import { readEpub } from './read-epub.ts'
import { readMail } from './read-mail.ts'
import { readNotebook } from './read-notebook.ts'
import { readPdf } from './read-pdf.ts'

/** @returns the text in the form that `documentKind` names for the file; throws for a damaged or protected file */
export type FormatReader = (bytes: Uint8Array) => Promise<string>

const readers: Readonly<Record<string, FormatReader>> = {
  '.pdf': readPdf,
  '.docx': readDocx,
  '.epub': readEpub,
  '.eml': readMail,
  '.ipynb': readNotebook,
}

const images = /\.(?:png|jpe?g|gif|webp|avif|bmp|tiff?|ico|heic|psd)$/i
const archives = /\.(?:zip|tar|t?gz|bz2|xz|7z|rar|jar|zst)$/i

/** Returns the reader of a file by its name; undefined for a file that is plain text or unknown. */
export function formatReader(path: string): FormatReader | undefined {
  return readers[extname(path).toLowerCase()]
}

/** Returns why files of this type are not read; undefined if that depends on the content. */
export function unreadFormat(path: string): string | undefined {
  if (images.test(path)) return 'an image: images are not read'
  return archives.test(path) ? 'an archive: archives are not opened' : undefined
}

/** Returns the package that an error of a reader names as not installed. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message = '' } = (error ?? {}) as { readonly code?: string; readonly message?: string }
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    ? /Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1]
    : undefined
}
