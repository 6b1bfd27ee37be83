/** The messages that a run had sent at one of its events, by the mailbox that they went to. */
import type { AnswerOf } from 'troupe/client'
import type { Step } from './run-state.ts'

export interface PastMessage {
  readonly type: string
  readonly from: string
  /** The id in the mailbox; absent for a request within the run. */
  readonly id?: string
  /** The payload of a request within the run. */
  readonly payload?: unknown
  /** The step that sent the message, or that answers the request. */
  readonly step: string
  readonly status:
    | 'waiting'
    | 'in progress'
    | 'handled'
    | 'failed'
    | 'cancelled'
    | 'dead-lettered'
    | 'discarded'
    | 'unknown'
  /** True if it was sent since the event before. */
  readonly isNew: boolean
}

export interface PastMailbox {
  readonly name: string
  /** The messages that wait first, each group in the order in which they were sent. */
  readonly messages: readonly PastMessage[]
}

interface Sent {
  readonly at: string
  readonly to: string
  readonly message: PastMessage
}

const statusOfStep = {
  working: 'in progress',
  waiting: 'in progress',
  done: 'handled',
  failed: 'failed',
  stopped: 'cancelled',
} as const

/**
 * @param steps the steps of the run at the event
 * @param since the time of the event before, as ISO 8601 text
 */
export function pastMailboxes(
  { sent, received }: AnswerOf<'runs.at'>['messages'],
  steps: ReadonlyMap<string, Pick<Step, 'state'>>,
  since: string,
): readonly PastMailbox[] {
  const requests = received.map<Sent>(({ at, to, from, type, payload, step }) => {
    const served = steps.get(step)
    const status = served === undefined ? 'waiting' : statusOfStep[served.state]
    return { at, to, message: { type, from, payload, step, status, isNew: at > since } }
  })
  const messages = sent.flatMap(({ at, to, from, type, id, step, state }): readonly Sent[] =>
    id === undefined
      ? []
      : [{ at, to, message: { type, from, id, step, status: state ?? 'unknown', isNew: at > since } }],
  )
  const all = [...requests, ...messages].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return [...Map.groupBy(all, ({ to }) => to)]
    .map(([name, found]) => ({ name, messages: inOrder(found.map(({ message }) => message)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

const inOrder = (messages: readonly PastMessage[]) => [
  ...messages.filter(({ status }) => status === 'waiting'),
  ...messages.filter(({ status }) => status !== 'waiting'),
]
