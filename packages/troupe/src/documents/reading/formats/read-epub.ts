/** The chapters of an EPUB as one HTML page, in the order in which they are read, each element in a line of its own. */
import { posix } from 'node:path'

/** @throws for a file that is no EPUB */
export async function readEpub(bytes: Uint8Array): Promise<string> {
  const { default: JSZip } = await import('jszip')
  const zip = await JSZip.loadAsync(bytes)
  const textOf = async (path: string) => (await zip.file(decodeURI(path))?.async('string')) ?? ''
  const root = /full-path="([^"]+)"/.exec(await textOf('META-INF/container.xml'))?.[1]
  if (root === undefined) throw new Error('it names no contents')
  const contents = await textOf(root)
  const files = new Map<string, string>()
  for (const [item] of contents.matchAll(/<(?:\w+:)?item\b[^>]*>/g)) {
    const [id, href] = ['id', 'href'].map((name) => new RegExp(`\\s${name}="([^"]+)"`).exec(item)?.[1])
    if (id !== undefined && href !== undefined) files.set(id, posix.join(posix.dirname(root), href))
  }
  const chapters: string[] = []
  for (const [, id = ''] of contents.matchAll(/<(?:\w+:)?itemref\b[^>]*\sidref="([^"]+)"/g)) {
    const page = await textOf(files.get(id) ?? '')
    chapters.push(/<body\b[^>]*>(.*)<\/body>/s.exec(page)?.[1] ?? '')
  }
  return chapters.join('\n')
}
