/** The NOTIFY channels between processes, and the content of their payloads. */
import { hashText } from '../../../core/index.ts'
import type { Hint, InboxArrival, WorkQueue } from '../../storage-port.ts'

/** The queues that a hint can name. */
export const queues: readonly WorkQueue[] = ['timers', 'outbox', 'mailboxes', 'cleanup', 'schedules']
/** The maximum size of a NOTIFY payload is 8,000 bytes. */
const hintsPerPayload = 40
const payloadBytes = 7_500

/** The channel of one process; of all processes if `owner` is empty. */
export const channelOf = (schema: string, owner: string): string =>
  owner === '' ? `troupe_${schema}` : `troupe_${hashText(`${schema} ${owner}`).slice(0, 40)}`

/** Splits items into chunks that fit into one payload each. */
export function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  const chunks: T[][] = []
  let length = 0
  for (const one of all) {
    const bytes = Buffer.byteLength(JSON.stringify(one)) + 1
    const last = chunks.at(-1)
    length += bytes
    if (last && last.length < hintsPerPayload && length <= payloadBytes) last.push(one)
    else {
      chunks.push([one])
      length = bytes
    }
  }
  return chunks
}

/**
 * Returns the content of a payload; undefined for other content, because every role of the database can send on the
 * channel.
 */
export function readPayload(
  payload: string,
): [node: string, hints: readonly Hint[], messages: readonly string[]] | undefined {
  try {
    const parsed: unknown = JSON.parse(payload)
    if (!Array.isArray(parsed)) return undefined
    const [node, hints, messages]: unknown[] = parsed
    if (typeof node !== 'string' || !Array.isArray(hints)) return undefined
    return [
      node,
      hints.filter(isHint),
      Array.isArray(messages) ? messages.filter((message) => typeof message === 'string') : [],
    ]
  } catch {
    return undefined
  }
}

/** Validates a received hint, because every role of the database can send one. */
function isHint(value: unknown): value is Hint {
  if (typeof value !== 'object' || value === null) return false
  if ('work' in value) return queues.some((queue) => queue === value.work)
  if ('arrival' in value) return isArrival(value.arrival)
  return (
    'user' in value && typeof value.user === 'string' && 'revision' in value && Number.isSafeInteger(value.revision)
  )
}

const isArrival = (value: unknown): value is InboxArrival =>
  typeof value === 'object' &&
  value !== null &&
  ['owner', 'user', 'journal'].every((name) => name in value && typeof Reflect.get(value, name) === 'string') &&
  'arrivals' in value &&
  Number.isSafeInteger(value.arrivals)
