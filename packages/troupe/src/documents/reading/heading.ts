/** A heading and where it stands in the extracted text; level 1 is the highest. */
export interface Heading {
  readonly offset: number
  readonly level: number
  readonly text: string
}
