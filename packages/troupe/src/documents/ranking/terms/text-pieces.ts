/**
 * Copies of some pieces of a text, accessed by their positions in it. Ranking uses dozens of documents of up to 8 MB, so
 * only the found sections are in memory.
 */

/** A text, or pieces of one. */
export interface Sliceable {
  slice(start: number, end: number): string
}

/** The number of characters around a piece that are copied too, because the fences of code are between blocks. */
const margin = 200
/** Replaces characters that are not copied. */
const hole = '\0'

export class TextPieces implements Sliceable {
  readonly #pieces: { readonly start: number; readonly text: string }[] = []

  /** @param ranges the needed parts of the text, in any order */
  constructor(text: string, ranges: readonly { readonly start: number; readonly end: number }[]) {
    let open: { start: number; end: number } | undefined
    const close = () => {
      if (open) this.#pieces.push({ start: open.start, text: ownCopy(text.slice(open.start, open.end)) })
    }
    for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
      const start = Math.max(0, range.start - margin)
      const end = Math.min(text.length, range.end + margin)
      if (open && start <= open.end) open.end = Math.max(open.end, end)
      else {
        close()
        open = { start, end }
      }
    }
    close()
  }

  /** Returns a part of the text. A gap in it is one NUL character; gaps at its ends are omitted. */
  slice(start: number, end: number): string {
    return this.#pieces
      .filter((piece) => piece.start < end && piece.start + piece.text.length > start)
      .map((piece) => piece.text.slice(Math.max(0, start - piece.start), end - piece.start))
      .join(hole)
  }
}

/** Returns a copy without a reference to its source text, because engines keep a long slice as a view of its parent. */
export const ownCopy = (text: string): string => (text.length < 13 ? text : Buffer.from(text).toString())
