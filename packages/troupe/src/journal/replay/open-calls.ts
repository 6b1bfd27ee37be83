/** The calls of a step that have no answer yet. */
import type { CallId } from './call-id.ts'
import { type AnswerItem, finishCall } from './step-record.ts'

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Waits and bodies. The step may park while they are open. */
  passive: boolean
}

export class OpenCalls {
  readonly #calls = new Map<CallId, Call>()
  /** The number of calls that are not passive. */
  #active = 0

  has(id: CallId): boolean {
    return this.#calls.has(id)
  }
  get isEmpty(): boolean {
    return this.#calls.size === 0
  }
  get areActive(): boolean {
    return this.#active > 0
  }

  open(id: CallId, passive: boolean): Promise<unknown> {
    const promise = new Promise<unknown>((resolve, reject) => this.#calls.set(id, { resolve, reject, passive }))
    // The code may not handle the rejection. The record has the error in any case.
    promise.catch(() => {})
    if (!passive) this.#active++
    return promise
  }

  setPassive(id: CallId, passive: boolean): void {
    const call = this.#calls.get(id)
    if (!call || call.passive === passive) return
    call.passive = passive
    this.#active += passive ? -1 : 1
  }

  finish(item: AnswerItem): void {
    const call = this.#calls.get(item.id) as Call
    this.#calls.delete(item.id)
    if (!call.passive) this.#active--
    finishCall(item, call)
  }

  rejectAll(reason: unknown): void {
    for (const call of this.#calls.values()) call.reject(reason)
    this.#calls.clear()
  }
}
