/** A remote agent that plays a script, for tests of those that reach one. */
import type { RemoteAgentPort, RemoteCall, RemoteTask } from '../agents/index.ts'
import {
  type Clock,
  checkOptions,
  checkSignalType,
  checkText,
  type Duration,
  failure,
  fieldOf,
  type Json,
  listOf,
  milliseconds,
  sleep,
  systemClock,
} from '../core/index.ts'

export type RemoteResponse = (
  | { readonly output: Json }
  | { readonly question: string }
  | { readonly auth: string }
  | { readonly failed: string }
  | { readonly rejected: string }
  | { readonly canceled: string }
) & {
  readonly latency?: Duration
  /** It does its work, and the connection is cut before it can say so. */
  readonly cut?: boolean
}

export interface MockRemoteAgentOptions {
  /** One for each task or answer that reaches it, in order; a text is its output. */
  readonly responses: readonly (string | RemoteResponse)[]
  readonly clock?: Clock
}

/**
 * @example
 * const remote = new MockRemoteAgent({ responses: [{ question: 'Which day?' }, 'Booked.'] })
 * const clerk = defineRemoteAgent({ name: 'Clerk', port: remote })
 */
export class MockRemoteAgent implements RemoteAgentPort {
  /** What reached it, in order. */
  readonly calls: { readonly key: string; readonly input: Json; readonly task?: string }[] = []
  /** Keys of which it was told that nobody waits any more. */
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

  async send(input: Json, call: RemoteCall): Promise<RemoteTask> {
    checkRemoteCall(call)
    return this.#play({ key: call.key, input }, `task-${this.calls.length + 1}`, call.signal)
  }

  async answer(task: string, answer: Json, call: RemoteCall): Promise<RemoteTask> {
    checkText('The task of MockRemoteAgent', task)
    checkRemoteCall(call)
    return this.#play({ key: call.key, input: answer, task }, task, call.signal)
  }

  async find(key: string): Promise<RemoteTask | undefined> {
    return this.#tasks.get(key)
  }

  async cancel(key: string): Promise<void> {
    checkText('MockRemoteAgent.cancel', key)
    this.cancelled.push(key)
  }

  /** @throws where responses are left over */
  verify(): void {
    if (this.#left.length === 0) return
    const problem = `${this.#left.length} of its responses were never asked for`
    throw failure('validation.failed', { what: 'The script of MockRemoteAgent', problem })
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
      throw failure('validation.failed', {
        what: 'The script of MockRemoteAgent',
        problem: `it has no response ${this.calls.length}`,
      })
    const response: RemoteResponse = typeof next === 'string' ? { output: next } : next
    if (response.latency !== undefined) await sleep(this.#clock, milliseconds(response.latency, 'latency'), signal)
    const task = taskOf(id, response)
    this.#tasks.set(call.key, task)
    if (response.cut) throw new Error('the connection was cut')
    return task
  }
}

const fields = ['output', 'question', 'auth', 'failed', 'rejected', 'canceled', 'latency', 'cut']

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
