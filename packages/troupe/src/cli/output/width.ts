/** How wide a text is on a terminal: letters of some scripts and emoji take two columns, and combining signs none. */
import measured from 'fast-string-truncated-width'

export const widthOf = (text: string): number => measured(text).width

/** Filled up with spaces. */
export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** At most so wide. */
export function truncated(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let begin = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += widthOf(segment)
    if (used >= width) break
    begin += segment
  }
  return `${begin}…`
}
