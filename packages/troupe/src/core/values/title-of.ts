/** The title of a run or a thread: the beginning of its first text, the same wherever it is listed. */
import { truncateText } from './truncate-text.ts'

const maxRead = 4_000

/** Returns the beginning of a task or message on one line of at most 200 characters, as a text that every storage takes. */
export function titleOf(value: unknown): string {
  const written = typeof value === 'string' ? value.trimStart() : (JSON.stringify(value) ?? '')
  // A text of megabytes is not searched for white space as a whole.
  const text = written
    .slice(0, maxRead)
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return text.length > 200 ? `${truncateText(text, 199)}…` : text
}
