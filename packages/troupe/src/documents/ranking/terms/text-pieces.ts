/**
 * Copies of some pieces of a text, read by their positions in it. What is ranked comes from dozens of documents of up to
 * 8 MB: it holds the sections that were found, not the documents.
 */

/** A text, or what is held of one. */
export interface Sliceable {
  slice(start: number, end: number): string
}

/** Characters around a piece that are held with it: the fences of code stand between blocks. */
const margin = 200
/** Stands for characters that are not held. */
const hole = '\0'

export class TextPieces implements Sliceable {
  readonly #pieces: { readonly start: number; readonly text: string }[] = []

  /** @param ranges what is needed of the text, in any order */
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

  /** The part of the text; what is not held of it is one NUL character, or nothing at its ends. */
  slice(start: number, end: number): string {
    return this.#pieces
      .filter((piece) => piece.start < end && piece.start + piece.text.length > start)
      .map((piece) => piece.text.slice(Math.max(0, start - piece.start), end - piece.start))
      .join(hole)
  }
}

/** A copy that holds no reference to the text it was cut from: engines keep a long slice as a view of its parent. */
export const ownCopy = (text: string): string => (text.length < 13 ? text : Buffer.from(text).toString())
