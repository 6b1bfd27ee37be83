/** A heading of a document. */
export interface Heading {
  /** The position in the extracted text. */
  readonly offset: number
  /** The level; 1 is the highest. */
  readonly level: number
  /** The text. */
  readonly text: string
}
