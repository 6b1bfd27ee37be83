/** The chapters of an EPUB as one HTML page in reading order, with each element in a separate line. */
import { posix } from 'node:path'
import { readZip } from './read-zip.ts'

/** @throws for a file that is no EPUB, is encrypted or unpacks to too much */
export async function readEpub(bytes: Uint8Array): Promise<string> {
  const files = readZip(bytes)
  const textOf = (path: string) => files.get(decodeURI(path))?.toString('utf8') ?? ''
  const root = /full-path="([^"]+)"/.exec(textOf('META-INF/container.xml'))?.[1]
  if (root === undefined) throw new Error('it names no content')
  const contents = textOf(root)
  const paths = new Map<string, string>()
  for (const [item] of contents.matchAll(/<(?:\w+:)?item\b[^<>]*>/g)) {
    const [id, href] = ['id', 'href'].map((name) => new RegExp(`\\s${name}="([^"]+)"`).exec(item)?.[1])
    if (id !== undefined && href !== undefined) paths.set(id, posix.join(posix.dirname(root), href))
  }
  const chapters: string[] = []
  const order = contents.matchAll(/<(?:\w+:)?itemref\b[^<>]*?\sidref="([^"<]+)"/g)
  // Each file only once, by whichever ids it is named, so that the text is bounded by the unpacked size of the archive.
  const inOrder = new Set([...order].map(([, id = '']) => paths.get(id) ?? ''))
  for (const path of inOrder) {
    const page = textOf(path)
    const body = /<body\b[^<>]*>/.exec(page)
    const start = body ? body.index + body[0].length : page.length
    chapters.push(page.slice(start, Math.max(start, page.lastIndexOf('</body>'))))
  }
  return chapters.join('\n')
}
