/** The due times of the runs of a process: a heap with one timer for its earliest time. */
import type { Cancel, Clock } from '../../../core/index.ts'

interface Wakeup {
  /** ms of the monotonic clock. */
  readonly at: number
  readonly key: string
  readonly run: () => void
  readonly foreground: boolean
}

export interface WakeupOptions {
  /** True if the process stays alive for it. */
  readonly foreground?: boolean
}

export class Wakeups {
  readonly #clock: Clock
  /** The earliest first; one that was replaced or cleared stays until its time. */
  readonly #heap: Wakeup[] = []
  readonly #current = new Map<string, Wakeup>()
  #cancel: Cancel = () => {}
  #armed: Wakeup | undefined
  /** The number of set times that keep the process alive. */
  #foreground = 0
  #armedForeground = false
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls the function once after this number of ms, in place of an earlier one with this key. */
  set(key: string, inMs: number, run: () => void, { foreground = false }: WakeupOptions = {}): void {
    if (this.#isClosed) return
    this.#forget(key)
    const wakeup = { at: this.#clock.monotonic() + inMs, key, run, foreground }
    this.#current.set(key, wakeup)
    if (foreground) this.#foreground++
    this.#push(wakeup)
    this.#arm()
  }

  has(key: string): boolean {
    return this.#current.has(key)
  }

  /** Calls `run` after `inMs`, or later if the last call under this key was less than `pauseMs` ago. */
  setThrottled(
    key: string,
    { inMs, pauseMs }: { readonly inMs: number; readonly pauseMs: number },
    run: () => void,
  ): void {
    if (this.#current.has(key)) return
    const pause = this.#current.get(`${key} pause`)
    const leftMs = pause ? pause.at - this.#clock.monotonic() : 0
    this.set(key, Math.max(inMs, leftMs), () => {
      this.set(`${key} pause`, pauseMs, () => {})
      run()
    })
  }

  clear(key: string): void {
    if (this.#forget(key)) this.#arm()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    this.#heap.length = 0
    this.#current.clear()
  }

  #forget(key: string): boolean {
    if (this.#current.get(key)?.foreground) this.#foreground--
    return this.#current.delete(key)
  }

  /** Sets the timer for the earliest wake-up. It keeps the process alive if any wake-up does. */
  #arm(): void {
    for (let first = this.#heap[0]; first && this.#current.get(first.key) !== first; first = this.#heap[0]) this.#pop()
    const [first] = this.#heap
    const foreground = this.#foreground > 0
    if (first === this.#armed && foreground === this.#armedForeground) return
    this.#cancel()
    this.#armed = first
    this.#armedForeground = foreground
    if (!first) return
    const inMs = Math.max(0, first.at - this.#clock.monotonic())
    this.#cancel = this.#clock.after(inMs, () => this.#fire(), { background: !foreground })
  }

  #fire(): void {
    this.#armed = undefined
    const now = this.#clock.monotonic()
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      this.#pop()
      if (this.#current.get(first.key) !== first) continue
      this.#forget(first.key)
      first.run()
    }
    if (!this.#isClosed) this.#arm()
  }

  #push(wakeup: Wakeup): void {
    const heap = this.#heap
    let i = heap.push(wakeup) - 1
    for (let parent = (i - 1) >> 1; i > 0 && at(heap, parent) > wakeup.at; parent = (i - 1) >> 1) {
      heap[i] = heap[parent] as Wakeup
      i = parent
    }
    heap[i] = wakeup
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let i = 0
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (at(heap, child + 1) < at(heap, child)) child++
      if (at(heap, child) >= last.at) break
      heap[i] = heap[child] as Wakeup
      i = child
    }
    heap[i] = last
  }
}

const at = (heap: readonly Wakeup[], i: number): number => heap[i]?.at ?? Number.POSITIVE_INFINITY
