/**
 * The machine of a simulation: its time, its nodes and their events. The replaced globals and the ports of nodes both
 * use it.
 *
 * Invariant: an event runs in the asynchronous context in which it was scheduled, and only while the incarnation of its
 * node that scheduled it lives.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Random, seededRandom } from '../../../core/index.ts'
import { EventHeap, type SimulatedEvent } from './event-heap.ts'
import type { SimulationTrace } from './simulation-trace.ts'

export interface ProcessContext {
  readonly node: string
  readonly incarnation: number
  readonly random: Random
  /** The error of the wall clock of this node in ms. */
  skew: number
}

interface NodeState {
  incarnation: number
  /** Events of this incarnation so far. */
  events: number
  /** The event of this incarnation before which it dies. */
  dieAt: number | undefined
  /** Called with true if the seed chose the kill. */
  onDeath: ((chosen: boolean) => void) | undefined
  /** The interval in which the node is frozen, in ms since the beginning. */
  frozen: { readonly from: number; readonly until: number } | undefined
}

/** Simulated time begins here, ms since 1970. */
export const beginning = Date.UTC(2026, 0, 1)

/** The name of the caller outside every node: libraries while they load, and the scenario. */
export const outside = 'world'

export class Machine {
  readonly #processContexts = new AsyncLocalStorage<ProcessContext>()
  readonly #heap = new EventHeap()
  readonly #nodes = new Map<string, NodeState>()
  #seed = 'boot'
  #outside: ProcessContext = processContextOf('boot', outside, 1)
  #trace: SimulationTrace | undefined
  #sequence = 0
  #events = 0
  #time = 0
  #running = false

  /** Whether a seed is executed. Otherwise the timers are real, because libraries use them while they load. */
  get running(): boolean {
    return this.#running
  }
  /** ms since the beginning. */
  get time(): number {
    return this.#time
  }
  get events(): number {
    return this.#events
  }
  get left(): number {
    return this.#heap.size
  }

  begin(seed: string, trace: SimulationTrace): void {
    this.#seed = seed
    this.#outside = processContextOf(seed, outside, 1)
    this.#trace = trace
    this.#heap.clear()
    this.#nodes.clear()
    this.#sequence = this.#events = this.#time = 0
    this.#running = true
  }

  end(): void {
    this.#running = false
    this.#heap.clear()
    this.#nodes.clear()
    this.#trace = undefined
    this.#seed = 'boot'
    this.#outside = processContextOf('boot', outside, 1)
    this.#time = 0
  }

  processContext(): ProcessContext {
    const processContext = this.#processContexts.getStore()
    return this.#running && processContext ? processContext : this.#outside
  }

  /** Returns the wall clock of the calling node. */
  wall(processContext: ProcessContext = this.processContext()): number {
    return Math.floor(beginning + this.#time + processContext.skew)
  }

  /** Starts a node. Events that its earlier incarnation has scheduled do not happen. */
  live(node: string, dieAt: number | undefined, onDeath: (chosen: boolean) => void): ProcessContext {
    const incarnation = this.#nodes.get(node)?.incarnation ?? 1
    this.#nodes.set(node, { incarnation, events: 0, dieAt, onDeath, frozen: undefined })
    return processContextOf(this.#seed, node, incarnation)
  }

  /** Kills a process: none of its events happens any more, and only its `onDeath` is called. */
  kill(node: string, chosen = false): void {
    const state = this.#nodes.get(node)
    if (!state?.onDeath) return
    const { onDeath } = state
    state.incarnation++
    state.dieAt = state.onDeath = undefined
    this.note(node, 'killed')
    onDeath(chosen)
  }

  /** Suspends a node. Events that become due meanwhile happen when it resumes, in the same order. */
  freeze(node: string, ms: number): void {
    const state = this.#nodes.get(node)
    if (!state) return
    state.frozen = { from: this.#time, until: Math.max(this.#time + ms, state.frozen?.until ?? 0) }
    this.note(node, `frozen for ${ms.toFixed(0)} ms`)
  }

  spare(node: string): void {
    const state = this.#nodes.get(node)
    if (state) state.dieAt = undefined
  }

  isAlive({ node, incarnation }: Pick<ProcessContext, 'node' | 'incarnation'>): boolean {
    return node === outside || this.#nodes.get(node)?.incarnation === incarnation
  }

  /** Runs a function at once, as part of a node. */
  within<T>(processContext: ProcessContext, run: () => T): T {
    return this.#processContexts.run(processContext, run)
  }

  /** Schedules an event of the calling node, or of the given one, in the asynchronous context of the caller. */
  schedule(
    afterMs: number,
    label: string,
    run: () => void,
    processContext: ProcessContext = this.processContext(),
  ): SimulatedEvent {
    const inContext = AsyncLocalStorage.snapshot()
    const time = this.#time + (afterMs > 0 ? afterMs : 0)
    const { node, incarnation } = processContext
    const event: SimulatedEvent = {
      time,
      rank: rankOf(this.#seed, node, time),
      sequence: this.#sequence++,
      node,
      incarnation,
      label,
      run: () => inContext(run),
      cancelled: false,
    }
    if (this.#running && this.isAlive(processContext)) this.#heap.push(event)
    return event
  }

  /** Sets the time to that of the next event and returns the event; undefined if there is none. */
  next(): SimulatedEvent | undefined {
    for (;;) {
      const event = this.#heap.pop()
      if (!event || !this.#running) return undefined
      if (event.cancelled || !this.isAlive(event)) continue
      const state = this.#nodes.get(event.node)
      if (state?.frozen && event.time < state.frozen.until) {
        // A millionth of the delay preserves the order of the delayed events.
        const { from, until } = state.frozen
        event.time = until + (event.time - from) * 1e-6
        this.#heap.push(event)
        continue
      }
      this.#time = event.time
      if (state && state.dieAt !== undefined && state.events >= state.dieAt) {
        this.kill(event.node, true)
        continue
      }
      if (state) state.events++
      this.#events++
      this.#trace?.line(`${event.time.toFixed(3)} ${event.node}#${event.incarnation} ${event.label}`)
      return event
    }
  }

  note(where: string, what: string): void {
    this.#trace?.line(`${this.#time.toFixed(3)} ${where} ${what}`)
  }
}

const processContextOf = (seed: string, node: string, incarnation: number): ProcessContext => ({
  node,
  incarnation,
  random: seededRandom(`${seed}/${node}/${incarnation}`),
  skew: 0,
})

/** FNV-1a, mixed at the end so that near times have unrelated hashes. */
function rankOf(seed: string, node: string, time: number): number {
  let hash = 0x811c9dc5
  const text = `${seed}/${node}/${time}`
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
