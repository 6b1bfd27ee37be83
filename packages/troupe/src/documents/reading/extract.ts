/**
 * Text extraction that keeps the lines: line n of the extracted text is the text in line n of the file, so that every
 * passage has a line in the file. Markdown, text and source files are unchanged, so that quotations are verbatim. HTML
 * becomes its text without markup.
 */
import { extname } from 'node:path'
import { finishNow, type WorkInParts } from '../../core/index.ts'
import { extractHtml } from './extract-html.ts'
import type { Heading } from './heading.ts'
import { lineOf, lineStarts } from './line-starts.ts'
import { markdownHeadings } from './markdown-headings.ts'
import { plainHeadings } from './plain-headings.ts'

/** The kind of a document, which decides how its text is extracted; `pages` for PDF. */
export type DocumentKind = 'markdown' | 'html' | 'text' | 'source' | 'table' | 'pages'

/** The extracted text of a document, with its lines. */
export interface Extraction {
  /** The text; its line breaks are those of the file, and U+2029 separates paragraphs that share a line. */
  readonly text: string
  /** The headings, in their order. */
  readonly headings: readonly Heading[]
  /** Returns the line of the file, from 1, that contains a position of the text. */
  lineAt(offset: number): number
  /** Returns the position at which a line starts; for a line after the last one, the length of the text. */
  offsetOf(line: number): number
  /** The number of lines. */
  readonly lines: number
}

const kinds: Record<string, DocumentKind> = {
  '.md': 'markdown',
  '.mdx': 'markdown',
  '.markdown': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
  '.docx': 'html',
  '.epub': 'html',
  '.eml': 'markdown',
  '.ipynb': 'markdown',
  '.pdf': 'pages',
  '.txt': 'text',
  '.text': 'text',
  '.rst': 'text',
  '.adoc': 'text',
  '.log': 'text',
  '.csv': 'table',
  '.tsv': 'table',
  '': 'text',
}

/** The kind of a document, read from its name. */
export function documentKind(path: string): DocumentKind {
  return kinds[extname(path).toLowerCase()] ?? 'source'
}

/**
 * Extracts the text of a document.
 * @param source the whole file as text
 * @throws HtmlTooDeepError for HTML whose elements are nested so deeply that reading it would not end in time
 * @example
 * const page = extract('<h1>Tea</h1>\n<p>Green &amp; black</p>', 'html')
 * page.lineAt(page.text.indexOf('Green & black')) // 2
 */
export const extract = (source: string, kind: DocumentKind): Extraction => finishNow(extractInParts(source, kind))

/** The same in parts. */
export function* extractInParts(source: string, kind: DocumentKind): WorkInParts<Extraction> {
  return extractionOf(
    kind === 'html' ? yield* extractHtml(source) : { text: source, headings: headingsIn(source, kind) },
  )
}

/** The part of an extraction from which the rest follows. */
export type ExtractedText = Pick<Extraction, 'text' | 'headings'>

export function extractionOf({ text, headings }: ExtractedText): Extraction {
  const starts = lineStarts(text)
  return {
    text,
    headings,
    lines: starts.length,
    lineAt: (offset) => lineOf(starts, offset),
    offsetOf: (line) => starts[line - 1] ?? text.length,
  }
}

function headingsIn(source: string, kind: DocumentKind): Heading[] {
  if (kind === 'pages') return pageHeadings(source)
  if (kind === 'markdown') return markdownHeadings(source)
  if (kind !== 'text') return []
  return [...markdownHeadings(source), ...plainHeadings(source)]
    .sort((a, b) => a.offset - b.offset)
    .filter(({ offset }, i, all) => offset !== all[i - 1]?.offset)
}

/** Makes each page a section, so that quotations have the number of their page. */
function pageHeadings(source: string): Heading[] {
  return [...source.matchAll(/^\f$/gm)].map(({ index }, i) => ({ offset: index, level: 1, text: `page ${i + 1}` }))
}
