/** A block of a text: what can be quoted of a document, and the section that contains it. */
import type { DocumentKind } from '../reading/extract.ts'
import { ownCopy, type Sliceable } from './terms/text-pieces.ts'

export type BlockKind = 'text' | 'item' | 'row' | 'code' | 'comment'

/** A block is `text.slice(start, end)` of the extraction. */
export interface Block {
  readonly kind: BlockKind
  readonly start: number
  readonly end: number
  readonly section: Section
  /** The sentence or two that lead to a list, a table or code; the header of a table row; else empty. */
  readonly lead: string
  /** The number of blocks before it in its section. */
  readonly order: number
  /** Whether it is a piece of a text without paragraphs, such as a log: each of its lines can be quoted. */
  readonly byLine: boolean
}

/** The text between a heading and the next one. */
export interface Section {
  readonly start: number
  readonly heading: string
  /** The headings above it, outermost first. */
  readonly above: readonly string[]
  /** Whether it opens its document: the text before the first heading or below it. */
  readonly opens: boolean
}

/** A passage that the index found, with the text that contains it. */
export interface CandidatePassage {
  readonly document: string
  /** The path of the document whose words count. */
  readonly name: string
  readonly text: Sliceable
  readonly blocks: readonly Block[]
  /** The index's own score, as a share of the best. */
  readonly score: number
}

export interface BlockSource {
  readonly text: string
  readonly kind: DocumentKind
  readonly headings: readonly { readonly offset: number; readonly level: number; readonly text: string }[]
}

/** Copies of blocks that hold no reference to their text; blocks of one section stay blocks of one section. */
export function detachedBlocks(): (block: Block) => Block {
  const sections = new Map<Section, Section>()
  return (block) => {
    const { start, heading, above, opens } = block.section
    const section = sections.get(block.section) ?? {
      start,
      heading: ownCopy(heading),
      above: above.map(ownCopy),
      opens,
    }
    sections.set(block.section, section)
    return { ...block, section, lead: ownCopy(block.lead) }
  }
}
