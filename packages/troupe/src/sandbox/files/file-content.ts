/** Contents of files: text if the bytes are valid UTF-8, otherwise base64. */
import { Buffer, isUtf8 } from 'node:buffer'
import type { FileContent } from '../sandbox-port.ts'

export const bytesOf = (content: FileContent): Buffer =>
  typeof content === 'string' ? Buffer.from(content, 'utf8') : Buffer.from(content.base64, 'base64')

export const sizeOf = (content: FileContent): number =>
  typeof content === 'string' ? Buffer.byteLength(content) : Buffer.byteLength(content.base64, 'base64')

export function fileContent(bytes: Uint8Array): FileContent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString('utf8') : { base64: buffer.toString('base64') }
}

/** JSON texts carry no lone surrogates: such a text is stored as the bytes that an encoder makes of it. */
export const contentOfText = (text: string): FileContent => (text.isWellFormed() ? text : text.toWellFormed())
