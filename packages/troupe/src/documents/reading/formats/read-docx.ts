/** A Word document as HTML, each paragraph and each row of a table in a line of its own. */

export async function readDocx(bytes: Uint8Array): Promise<string> {
  const { default: mammoth } = await import('mammoth')
  const { value } = await mammoth.convertToHtml({ buffer: Buffer.from(bytes) })
  return value.replace(/<\/(?:p|h[1-6]|li|tr|table)>/g, '$&\n')
}
