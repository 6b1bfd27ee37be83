/** The inputs of the next changes of a run: rows of its inbox, requests of this process, and ends of steps. */
import type { Input } from '../../../machine/machine-events.ts'
import { PendingEnds } from './pending-ends.ts'

export interface PendingRequest {
  /** Returns the input; undefined if the change only has to prove that this process still owns the run. */
  readonly make: (at: number) => Input | undefined
  readonly done: (error?: unknown) => void
}

export class PendingInputs {
  readonly ends = new PendingEnds()
  readonly #requests: PendingRequest[] = []
  #hasRows = false

  get isEmpty(): boolean {
    return !this.hasRowsOrRequests && this.ends.isEmpty
  }
  /** These are taken before ends: the inbox may have messages that a step caused before it ended. */
  get hasRowsOrRequests(): boolean {
    return this.#hasRows || this.hasRequests
  }
  get hasRequests(): boolean {
    return this.#requests.length > 0
  }

  /** The inbox of the run may have rows. */
  rowsArrived(): void {
    this.#hasRows = true
  }

  /** Resolves when the input is durable. */
  request(make: PendingRequest['make']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ make, done: (error) => (error === undefined ? resolve() : reject(error)) })
    })
  }

  /** Takes all requests; the caller reads the inbox with them. */
  takeRequests(): readonly PendingRequest[] {
    this.#hasRows = false
    return this.#requests.splice(0)
  }

  /** A change that took them was not committed: the next one takes them first, and reads the inbox again. */
  putBack(requests: readonly PendingRequest[]): void {
    this.#hasRows = true
    this.#requests.unshift(...requests)
  }

  /** No later change accepts inputs. @param error creates the error of the requests */
  leave(error: () => unknown): void {
    this.ends.leave()
    for (const { done } of this.#requests.splice(0)) done(error())
  }
}
