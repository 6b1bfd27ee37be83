/** Queues of what is ready to start: the common one, and one for each node whose steps are limited. */

import { nodeIn } from '../branches/flow.ts'
import { type Branch, must, type Queue, type State } from '../state.ts'

/** Of all nodes without a limit of their own. Node names are never empty. */
const common = ''
/** Requests to be served; no node can have this name, for the graph refuses control characters. */
export const requestQueue = '\u0001requests'

export const queueOf = (state: Readonly<State>, node: string): string =>
  nodeIn(state, node).limit === undefined ? common : node

function queueNamed(state: State, name: string): Queue {
  const found = state.queues.get(name)
  if (found) return found
  const made: Queue = { items: [], head: 0 }
  state.queues.set(name, made)
  return made
}

export function enqueue(state: State, name: string, id: string): number {
  const ticket = state.counts.tickets + 1
  state.counts.tickets = ticket
  queueNamed(state, name).items.push({ id, ticket })
  return ticket
}

/** Entries before the one that is taken are stale: what they stood for was cancelled. */
export function dequeue(state: State, name: string, ticket: number): void {
  const queue = queueNamed(state, name)
  let head = queue.head
  while (head < queue.items.length && (queue.items[head] as Queue['items'][number]).ticket <= ticket) head++
  if (head > 1_024 && head * 2 > queue.items.length) {
    queue.items = queue.items.slice(head)
    head = 0
  }
  queue.head = head
}

export function ticketOf(state: Readonly<State>, name: string, id: string): number {
  const queue = must(state.queues.get(name), name)
  return must(
    queue.items.find((item, i) => i >= queue.head && item.id === id),
    id,
  ).ticket
}

const isReady = (state: Readonly<State>, id: string, ticket: number) => {
  const branch = state.branches.get(id)
  return branch?.status === 'ready' && branch.ticket === ticket
}

function first(state: Readonly<State>, name: string): { readonly id: string; readonly ticket: number } | undefined {
  const queue = state.queues.get(name)
  if (!queue) return undefined
  for (let i = queue.head; i < queue.items.length; i++) {
    const item = queue.items[i] as Queue['items'][number]
    if (isReady(state, item.id, item.ticket)) return item
  }
  return undefined
}

const hasCapacity = (state: Readonly<State>, node: string) =>
  (state.busy[node] ?? 0) < (nodeIn(state, node).limit ?? Number.POSITIVE_INFINITY)

/** The branch that has been ready longest and whose node has room. */
export function nextReady(state: Readonly<State>, limited: readonly string[]): Branch | undefined {
  let best = first(state, common)
  for (const name of limited) {
    if (!hasCapacity(state, name)) continue
    const item = first(state, name)
    if (item && (!best || item.ticket < best.ticket)) best = item
  }
  return best && state.branches.get(best.id)
}

/** Ready, and kept back by its node's limit alone. */
export const waitsForCapacity = (state: Readonly<State>, branch: Branch): boolean =>
  branch.status === 'ready' && !hasCapacity(state, branch.node)

/** The oldest request that nobody serves yet. */
export function nextRequest(state: Readonly<State>): string | undefined {
  const queue = state.queues.get(requestQueue)
  if (!queue) return undefined
  for (let i = queue.head; i < queue.items.length; i++) {
    const item = queue.items[i] as Queue['items'][number]
    const step = state.steps.get(item.id)
    if (step?.status === 'ready') return item.id
  }
  return undefined
}
