/** The text of a PDF, page by page: each begins with a line that holds a form feed alone. */

/** @throws for a PDF that is damaged, asks for a password or holds no text */
export async function readPdf(bytes: Uint8Array): Promise<string> {
  const { extractText, getDocumentProxy } = await import('unpdf')
  const document = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
  try {
    const { text } = await extractText(document, { mergePages: false })
    if (text.every((page) => page.trim() === '')) throw new Error('it holds no text: scanned pages are not read')
    return text.map((page) => `\f\n${page}`).join('\n')
  } finally {
    await document.loadingTask.destroy()
  }
}
