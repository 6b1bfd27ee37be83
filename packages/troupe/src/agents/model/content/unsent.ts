/**
 * The parts of a stored tool result that are not sent to a model: hidden values, the complete text of a long result, and
 * the id of the error whose text the result quotes.
 */
import type { ThreadMessage, ToolResultPart } from './model-messages.ts'

/** Stored under a name that no provider reads. */
const storedUnder = 'troupe'

type UnsentKind = 'hidden' | 'complete' | 'errorId'
type Part = { readonly type: string; readonly providerOptions?: unknown }

/** Returns the unsent value of a part; undefined if it has none of this kind. */
export function unsentOf<Value>(part: Part, kind: UnsentKind): Value | undefined {
  const options = (part.providerOptions ?? {}) as { readonly [storedUnder]?: Readonly<Record<string, Value>> }
  return options[storedUnder]?.[kind]
}

export function withUnsent(part: ToolResultPart, kind: UnsentKind, value: unknown): ToolResultPart {
  const before = part.providerOptions?.[storedUnder] ?? {}
  return { ...part, providerOptions: { [storedUnder]: { ...before, [kind]: value as never } } }
}

const holdsUnsent = (part: Part) => part.type === 'tool-result' && isStored(part.providerOptions)
const isStored = (options: unknown) => Object.hasOwn((options ?? {}) as object, storedUnder)

/** The message as a model and the measures of a prompt have it. */
export function visibleMessage(message: ThreadMessage): ThreadMessage {
  if (message.role !== 'tool' || !message.content.some(holdsUnsent)) return message
  const content = message.content.map((part) => {
    if (!holdsUnsent(part)) return part
    const { providerOptions: _, ...visible } = part
    return visible as typeof part
  })
  return { ...message, content }
}
