/** A remote agent that answers from a script, for tests. */
import type { RemoteAgentPort, RemoteCall, RemoteTask } from '../agents/index.ts'
import {
  type Clock,
  checkOptions,
  checkSignalType,
  checkText,
  type Duration,
  fieldOf,
  invalidInput,
  type Json,
  listOf,
  milliseconds,
  sleep,
  systemClock,
} from '../core/index.ts'

/** A response of a `MockRemoteAgent`: how the task ends or waits. */
export type RemoteResponse = (
  | {
      /** The task completes with this output. */
      readonly output: Json
    }
  | {
      /** The task waits with this question (`input-required`). */
      readonly question: string
    }
  | {
      /** The task waits with this request to sign in (`auth-required`). */
      readonly auth: string
    }
  | {
      /** The task fails with this reason. */
      readonly failed: string
    }
  | {
      /** The task is rejected with this reason. */
      readonly rejected: string
    }
  | {
      /** The task is canceled with this reason. */
      readonly canceled: string
    }
) & {
  /** The delay before the response; none by default. */
  readonly latency?: Duration
  /**
   * True if the task is executed and then the connection is lost, so that the call rejects and `find` returns the task;
   * false by default.
   */
  readonly cut?: boolean
}

/** The options of a `MockRemoteAgent`. */
export interface MockRemoteAgentOptions {
  /** One response for each task and each answer, in their order; a text is an output. */
  readonly responses: readonly (string | RemoteResponse)[]
  /** The clock of `latency`; that of the machine by default. */
  readonly clock?: Clock
}

/**
 * A remote agent that answers from a script, for tests.
 * @example
 * const remote = new MockRemoteAgent({ responses: [{ question: 'Which day?' }, 'Booked.'] })
 * const clerk = defineRemoteAgent({ name: 'Clerk', port: remote })
 */
export class MockRemoteAgent implements RemoteAgentPort {
  /** The calls of `send` and `answer`, in their order. A repeated key is not listed twice. */
  readonly calls: {
    /** The idempotency key of the call. */
    readonly key: string
    /** The input of the task, or the answer. */
    readonly input: Json
    /** The id of the task that was answered; absent for a new task. */
    readonly task?: string
  }[] = []
  /** The keys that were cancelled. */
  readonly cancelled: string[] = []
  readonly #left: (string | RemoteResponse)[]
  readonly #clock: Clock
  readonly #tasks = new Map<string, RemoteTask>()

  constructor(options: MockRemoteAgentOptions) {
    checkOptions('MockRemoteAgent', options, ['responses', 'clock'])
    const responses = listOf('The responses of MockRemoteAgent', options.responses)
    for (const response of responses)
      if (typeof response !== 'string') checkOptions('A response of MockRemoteAgent', response, fields)
    this.#left = [...responses]
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Starts a task with the next response; a known key returns its task.
   * @throws ValidationError if the script has no response; Error for `cut`
   */
  async send(input: Json, call: RemoteCall): Promise<RemoteTask> {
    checkRemoteCall(call)
    return this.#play({ key: call.key, input }, `task-${this.calls.length + 1}`, call.signal)
  }

  /**
   * Answers a task with the next response; a known key returns its task.
   * @throws ValidationError if the script has no response; Error for `cut`
   */
  async answer(task: string, answer: Json, call: RemoteCall): Promise<RemoteTask> {
    checkText('The task of MockRemoteAgent', task)
    checkRemoteCall(call)
    return this.#play({ key: call.key, input: answer, task }, task, call.signal)
  }

  /** Returns the task of a key; undefined if there is none. */
  async find(key: string): Promise<RemoteTask | undefined> {
    return this.#tasks.get(key)
  }

  /** Records the key in `cancelled`. */
  async cancel(key: string): Promise<void> {
    checkText('MockRemoteAgent.cancel', key)
    this.cancelled.push(key)
  }

  /**
   * Checks that the script was used completely.
   * @throws ValidationError if responses were not used
   */
  verify(): void {
    if (this.#left.length === 0) return
    const problem = `${this.#left.length} of its responses were never asked for`
    throw invalidInput('The script of MockRemoteAgent', problem)
  }

  async #play(
    call: { readonly key: string; readonly input: Json; readonly task?: string },
    id: string,
    signal: AbortSignal,
  ) {
    const known = this.#tasks.get(call.key)
    if (known) return known
    this.calls.push(call)
    const next = this.#left.shift()
    if (next === undefined)
      throw invalidInput('The script of MockRemoteAgent', `it has no response ${this.calls.length}`)
    const response: RemoteResponse = typeof next === 'string' ? { output: next } : next
    if (response.latency !== undefined) await sleep(this.#clock, milliseconds(response.latency, 'latency'), signal)
    const task = taskOf(id, response)
    this.#tasks.set(call.key, task)
    if (response.cut) throw new Error('the connection was cut')
    return task
  }
}

const fields = ['output', 'question', 'auth', 'failed', 'rejected', 'canceled', 'latency', 'cut'] as const

function checkRemoteCall(call: RemoteCall): void {
  checkText('The key of a remote call', fieldOf(call, 'key'))
  checkSignalType('a remote call', fieldOf(call, 'signal'))
}

function taskOf(id: string, response: RemoteResponse): RemoteTask {
  if ('output' in response) return { id, state: 'completed', output: response.output }
  if ('question' in response) return { id, state: 'input-required', question: response.question }
  if ('auth' in response) return { id, state: 'auth-required', question: response.auth }
  if ('failed' in response) return { id, state: 'failed', problem: response.failed }
  if ('rejected' in response) return { id, state: 'rejected', problem: response.rejected }
  return { id, state: 'canceled', problem: response.canceled }
}
