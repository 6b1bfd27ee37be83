/**
 * The text of an HTML page, with each piece in its line of the file. The lines come from the source locations of the parser.
 * Texts are never joined across markup, so that each has a location.
 */
import { type DefaultTreeAdapterTypes, defaultTreeAdapter, Parser, type TreeAdapter } from 'parse5'
import { longPart, type WorkInParts } from '../../core/index.ts'
import type { Heading } from './heading.ts'
import { lineOf, lineStarts } from './line-starts.ts'

type Node = DefaultTreeAdapterTypes.Node
type Element = DefaultTreeAdapterTypes.Element
type Location = NonNullable<Node['sourceCodeLocation']>

/** Separates paragraphs in the same line of the file. It counts as white space. */
export const paragraphBreak = '\u2029'

/** The maximal depth of elements: the parser's time grows with size times depth. */
const maxDepth = 1_000

/** HTML whose elements are nested deeper than any page that people write. */
export class HtmlTooDeepError extends Error {
  override readonly name = 'HtmlTooDeepError'
  constructor() {
    super(`HTML nested deeper than ${maxDepth.toLocaleString('en')} elements`)
  }
}

const unread = new Set(['script', 'style', 'template'])
const inline = new Set(
  `a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q ruby s samp small span
  strike strong sub sup time tt u var wbr`.split(/\s+/),
)

/** A part of the page with its position in the source. */
type Piece =
  | { readonly at: number; readonly text: string; readonly dropped: number }
  | { readonly at: number; readonly gap: string }
  | { readonly at: number; readonly level: number; readonly until: number }

/**
 * @param source the page
 * @returns the text, whose line n is the text in line n of the source, and its headings
 * @throws HtmlTooDeepError
 */
export function* extractHtml(source: string): WorkInParts<{ text: string; headings: Heading[] }> {
  const plain = withSpacesForReturns(source)
  const page = yield* parsed(plain)
  const pieces = yield* piecesOf(page, plain)
  yield
  return yield* assemble(
    pieces.sort((a, b) => a.at - b.at),
    lineStarts(plain),
  )
}

/** The characters that are parsed at a time. */
const partLength = 65_536

function* parsed(source: string): WorkInParts<DefaultTreeAdapterTypes.Document> {
  const parser = new Parser({ sourceCodeLocationInfo: true, scriptingEnabled: false, treeAdapter: adapter() })
  for (let at = 0; at === 0 || at < source.length; at += partLength) {
    if (at > 0) yield longPart
    parser.tokenizer.write(source.slice(at, at + partLength), at + partLength >= source.length)
  }
  return parser.document
}

/**
 * A carriage return, or a reference to a line break, is white space that is no line of the file. Each is replaced by
 * as many spaces, so that the parser sees one kind of line break and every position stays.
 */
function withSpacesForReturns(source: string): string {
  return source
    .replaceAll('\r', ' ')
    .replace(/&(?:#0*1[03](?!\d);?|#[xX]0*[aAdD](?![\da-fA-F]);?|NewLine;)/g, (reference) =>
      ' '.repeat(reference.length),
    )
}

/**
 * The parser's own tree, except that texts are joined only where they follow each other in the source, and that its depth is
 * bounded. The parser gives each word and each space as a text of its own.
 */
function adapter(): TreeAdapter<DefaultTreeAdapterTypes.DefaultTreeAdapterMap> {
  let depth = 0
  return {
    ...defaultTreeAdapter,
    insertText(parent, text) {
      defaultTreeAdapter.appendChild(parent, defaultTreeAdapter.createTextNode(text))
    },
    insertTextBefore(parent, text, reference) {
      defaultTreeAdapter.insertBefore(parent, defaultTreeAdapter.createTextNode(text), reference)
    },
    // Of a location only the offsets are kept: the rest takes several times the memory of the page.
    setNodeSourceCodeLocation(node, location) {
      if (!location) return
      if (defaultTreeAdapter.isTextNode(node) && joinWithText(node, location)) return
      const { startOffset, endOffset } = location
      defaultTreeAdapter.setNodeSourceCodeLocation(node, { startOffset, endOffset } as never)
    },
    updateNodeSourceCodeLocation(node, { endOffset, endTag }) {
      const { startOffset } = node.sourceCodeLocation as Location
      const tag = endTag && { startOffset: endTag.startOffset }
      defaultTreeAdapter.setNodeSourceCodeLocation(node, { startOffset, endOffset, endTag: tag } as never)
    },
    onItemPush() {
      depth += 1
      if (depth > maxDepth) throw new HtmlTooDeepError()
    },
    onItemPop() {
      depth -= 1
    },
  }
}

/** Joins a text that was just added with the text before it, if nothing stands between them in the source. */
function joinWithText(node: DefaultTreeAdapterTypes.TextNode, { startOffset, endOffset }: Location): boolean {
  const siblings = node.parentNode?.childNodes ?? []
  const before = siblings.at(-2)
  if (siblings.at(-1) !== node || !before || !defaultTreeAdapter.isTextNode(before)) return false
  if (before.sourceCodeLocation?.endOffset !== startOffset) return false
  siblings.pop()
  before.value += node.value
  before.sourceCodeLocation.endOffset = endOffset
  return true
}

function* piecesOf(page: Node, source: string): WorkInParts<Piece[]> {
  const pieces: Piece[] = []
  const waiting: Node[] = [page]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield
    if (defaultTreeAdapter.isTextNode(node)) {
      const location = node.sourceCodeLocation
      if (!location) continue
      // The parser drops a line break that starts a pre element: the text begins a line below its location.
      const dropped = breaksIn(source.slice(location.startOffset, location.endOffset)) - breaksIn(node.value)
      pieces.push({ at: location.startOffset, text: node.value, dropped })
    } else if ('childNodes' in node) {
      if (defaultTreeAdapter.isElementNode(node)) {
        if (unread.has(node.tagName)) continue
        pieces.push(...boundaries(node))
      }
      for (const child of node.childNodes) waiting.push(child)
    }
  }
  return pieces
}

function breaksIn(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

function boundaries(element: Element): Piece[] {
  const location = element.sourceCodeLocation
  if (!location || inline.has(element.tagName)) return []
  const gap = element.tagName === 'br' ? ' ' : paragraphBreak
  const pieces: Piece[] = [{ at: location.startOffset, gap }]
  if (location.endTag) pieces.push({ at: location.endTag.startOffset, gap })
  const level = element.tagName === 'title' ? 1 : Number(/^h([1-6])$/.exec(element.tagName)?.[1] ?? 0)
  if (level > 0)
    pieces.push({ at: location.startOffset, level, until: location.endTag?.startOffset ?? location.endOffset })
  return pieces
}

interface Line {
  readonly parts: string[]
  length: number
  /** Whether there is text since the last paragraph break. */
  open: boolean
}

/** Puts the pieces into their lines. The lines come from positions: the parser's own count errs after `&` at a line end. */
function* assemble(
  pieces: readonly Piece[],
  sourceStarts: readonly number[],
): WorkInParts<{ text: string; headings: Heading[] }> {
  const lines = sourceStarts.map((): Line => ({ parts: [], length: 0, open: false }))
  const found: { line: number; column: number; level: number; until: number; text: string }[] = []
  for (const piece of pieces) {
    yield
    const at = lineOf(sourceStarts, piece.at) - 1
    const line = lines[at]
    if ('level' in piece) found.push({ ...piece, line: at, column: line?.length ?? 0, text: '' })
    else if ('gap' in piece) {
      if (!line?.open) continue
      append(line, piece.gap)
      line.open = piece.gap !== paragraphBreak
    } else {
      for (const [i, part] of piece.text.split('\n').entries()) append(lines[at + piece.dropped + i], part)
      const heading = found.at(-1)
      if (heading && piece.at < heading.until) heading.text += piece.text
    }
  }
  const starts: number[] = []
  let offset = 0
  for (const { length } of lines) {
    starts.push(offset)
    offset += length + 1
  }
  const headings = found.map(({ line, column, level, text }) => {
    return { offset: (starts[line] ?? 0) + column, level, text: text.trim().replace(/\s+/g, ' ') }
  })
  return {
    text: lines.map(({ parts }) => parts.join('')).join('\n'),
    headings: headings.filter(({ text }) => text !== ''),
  }
}

function append(line: Line | undefined, part: string): void {
  if (!line) return
  line.parts.push(part)
  line.length += part.length
  line.open ||= part.trim() !== ''
}
