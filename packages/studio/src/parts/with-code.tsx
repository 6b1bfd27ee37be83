/** A text of the server, in which names of settings and commands stand between backticks. */
import { visible } from '../visible.ts'

/** Draws as code what stands between backticks. */
export function WithCode({ text }: { readonly text: string }) {
  const parts = text.split(/`([^`]+)`/)
  // biome-ignore lint/suspicious/noArrayIndexKey: the same code may stand in a text twice
  return parts.map((part, i) => (i % 2 === 1 ? <code key={i}>{visible(part)}</code> : visible(part)))
}
