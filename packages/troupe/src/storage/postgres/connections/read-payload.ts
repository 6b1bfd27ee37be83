/** The channels of hints between processes, and what one payload of NOTIFY carries on them. */
import { hashText } from '../../../core/index.ts'
import type { Hint, InboxArrival, WorkQueue } from '../../storage-port.ts'

/** The queues of which a hint says that work came. */
export const queues: readonly WorkQueue[] = ['timers', 'outbox', 'mailboxes', 'cleanup', 'schedules']
/** A payload of NOTIFY has 8,000 bytes at most. */
const hintsPerPayload = 40
const payloadBytes = 7_500

/** The channel of one process; of all processes if `owner` is empty. */
export const channelOf = (schema: string, owner: string): string =>
  owner === '' ? `troupe_${schema}` : `troupe_${hashText(`${schema} ${owner}`).slice(0, 40)}`

/** As many together as one payload carries. */
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

/** Whoever may connect to the database may speak on the channel; what is none of ours is passed by. */
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

/** Anybody who may connect may notify, so what comes is looked at before it is believed. */
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
