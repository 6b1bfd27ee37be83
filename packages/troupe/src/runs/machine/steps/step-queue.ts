/** The queues of ready branches: a common one, and one for each node with a limit. */

import type { Branch, Queue } from '../branches/branches-slice.ts'
import { nodeIn } from '../branches/flow.ts'
import type { State } from '../state.ts'

type QueueItem = Queue['items'][number]

/** The name of the queue of all nodes without a limit. Node names are never empty. */
const common = ''
/** The name of the queue of requests. No node has it, because the names of agents have no control characters. */
export const requestQueue = '\u0001requests'

export const queueOf = (state: Readonly<State>, node: string): string =>
  nodeIn(state, node).limit === undefined ? common : node

function queueNamed(state: State, name: string): Queue {
  const found = state.branches.queues.get(name)
  if (found) return found
  const made: Queue = { items: [], head: 0 }
  state.branches.queues.set(name, made)
  return made
}

export function enqueue(state: State, name: string, id: string): number {
  const ticket = state.branches.lastTicket + 1
  state.branches.lastTicket = ticket
  queueNamed(state, name).items.push({ id, ticket })
  return ticket
}

/** The head of a queue never points at an entry that has left: each entry is passed once. */
export function passLeft(state: State, name: string): void {
  const queue = queueNamed(state, name)
  while (queue.head < queue.items.length && !waits(state, name, queue.items[queue.head] as QueueItem)) queue.head++
  if (queue.head <= 1_024 || queue.head * 2 <= queue.items.length) return
  queue.items = queue.items.slice(queue.head)
  queue.head = 0
}

/** A branch is no longer ready; at a person or a join it never waited for its step. */
export function leaveQueue(state: State, branch: Branch): void {
  if (nodeIn(state, branch.node).kind === 'agent') passLeft(state, queueOf(state, branch.node))
}

function waits(state: Readonly<State>, name: string, { id, ticket }: QueueItem): boolean {
  if (name === requestQueue) return state.steps.open.get(id)?.status === 'ready'
  const branch = state.branches.all.get(id)
  return branch?.status === 'ready' && branch.ticket === ticket
}

function first(state: Readonly<State>, name: string): QueueItem | undefined {
  const queue = state.branches.queues.get(name)
  return queue?.items[queue.head]
}

const hasCapacity = (state: Readonly<State>, node: string) =>
  (state.limits.busy[node] ?? 0) < (nodeIn(state, node).limit ?? Number.POSITIVE_INFINITY)

/** Returns the branch that has been ready longest and whose node has capacity. */
export function nextReady(state: Readonly<State>, limited: readonly string[]): Branch | undefined {
  let best = first(state, common)
  for (const name of limited) {
    if (!hasCapacity(state, name)) continue
    const item = first(state, name)
    if (item && (!best || item.ticket < best.ticket)) best = item
  }
  return best && state.branches.all.get(best.id)
}

/** Returns true for a ready branch that waits only for the limit of its node. */
export const waitsForCapacity = (state: Readonly<State>, branch: Branch): boolean =>
  branch.status === 'ready' && !hasCapacity(state, branch.node)

/** Returns the oldest request that no step serves yet. */
export const nextRequest = (state: Readonly<State>): string | undefined => first(state, requestQueue)?.id
