/** A Word document as HTML, with each paragraph and each row of a table in a separate line. Pictures are omitted. */
import { readZip } from './read-zip.ts'

/** @throws for a file that is damaged, encrypted or unpacks to too much */
export async function readDocx(bytes: Uint8Array): Promise<string> {
  const { default: mammoth } = await import('mammoth')
  // Throws for an archive that unpacks to too many bytes, because mammoth has no limit.
  readZip(bytes)
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
  const { value } = await mammoth.convertToHtml({ buffer: Buffer.from(bytes) }, { convertImage })
  return value.replace(/<\/(?:p|h[1-6]|li|tr|table)>/g, '$&\n')
}
