/**
 * A remote agent without access to the storage: each of its tasks is one effect. A port connects it; the states of a
 * task are those of the A2A protocol.
 */
import { checkAgentName } from '../../context/index.ts'
import {
  checkOptions,
  type Duration,
  failure,
  fieldOf,
  hashText,
  type Json,
  milliseconds,
  type Schema,
  show,
  whenAborted,
} from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import type { Agent, AgentAccess, StepContext } from '../agent-port.ts'
import { defineAgent } from './define-agent.ts'

/** The state of a task that has ended or waits. */
export type RemoteTask =
  | {
      /** The id that the remote agent gave to the task. */
      readonly id: string
      readonly state: 'completed'
      /** The result, which becomes the output of the agent. */
      readonly output: Json
    }
  | {
      /** The id that the remote agent gave to the task; `answer` gets it. */
      readonly id: string
      /** `input-required` for a question, `auth-required` for a request to sign in. */
      readonly state: 'input-required' | 'auth-required'
      /** The text of the question, which is asked of a person; the remote agent gets the answer. */
      readonly question: string
    }
  | {
      /** The id that the remote agent gave to the task. */
      readonly id: string
      /** How the task ended. The step fails with `remote.ended`. */
      readonly state: 'failed' | 'rejected' | 'canceled'
      /** The reason, for the message of the error. */
      readonly problem?: string
    }

/** The key and the signal of one call of a port. */
export interface RemoteCall {
  /** The idempotency key, which is the same in a repeated call, so that the remote agent starts no task twice. */
  readonly key: string
  /** Aborts when the step is cancelled or has timed out. */
  readonly signal: AbortSignal
}

/**
 * The connection to a remote agent. A call resolves when the task has ended or waits, and rejects if the connection is
 * lost.
 */
export interface RemoteAgentPort {
  /** Starts a task. */
  send(input: Json, call: RemoteCall): Promise<RemoteTask>
  /** Answers a task that asked. */
  answer(task: string, answer: Json, call: RemoteCall): Promise<RemoteTask>
  /**
   * Returns the task that was started or answered with this key, when it has ended or waits; undefined if there is
   * none. After a crash its result is the outcome of the call. Without `find` such a call is uncertain and waits for a
   * person.
   */
  find?(key: string): Promise<RemoteTask | undefined>
  /** Reports that the task with this key is no longer needed. Best effort. */
  cancel?(key: string): Promise<void>
}

/** The options of `defineRemoteAgent`. */
export interface RemoteAgentOptions extends AgentAccess {
  /** The name, unique in a topology; 1 to 256 bytes of UTF-8. `host` and `User` are reserved. */
  readonly name: string
  /** What the agent does: models that may invoke it, hand off to it or call it like a tool read this text. */
  readonly description?: string
  /** The connection to the remote agent. */
  readonly port: RemoteAgentPort
  /** `at-most-once` by default; `idempotent` for an agent that starts no task twice with one key. */
  readonly effect?: Exclude<EffectClass, 'pure'>
  /** The time limit for the answer of a person to its questions; none by default. */
  readonly answerTimeout?: Duration
  /** The schema of the input. Invalid input fails the step before the remote agent is called. */
  readonly inputSchema?: Schema<Json>
  /** The schema of its output. An invalid output fails the step and is not requested again. */
  readonly outputSchema?: Schema
}

const known = [
  'port',
  'effect',
  'answerTimeout',
  'name',
  'description',
  'inputSchema',
  'outputSchema',
  'role',
  'allow',
  'deny',
] as const

/**
 * Defines a remote agent, which takes part in a topology like any other agent.
 * @throws ValidationError for an invalid or unknown option
 * @example
 * const clerk = defineRemoteAgent({ name: 'Clerk', port: { send: (input) => ask(input), answer: (task, value) => reply(task, value) } })
 */
export function defineRemoteAgent(options: RemoteAgentOptions): Agent {
  checkOptions('defineRemoteAgent', options, known)
  const { port, effect = 'at-most-once', answerTimeout, ...rest } = options
  const name = checkAgentName(options.name)
  const wrong = (problem: string) => failure('agent.wrong', { agent: name, problem })
  if (typeof fieldOf(port, 'send') !== 'function' || typeof fieldOf(port, 'answer') !== 'function')
    throw wrong('its port has no send and answer')
  for (const call of ['find', 'cancel'])
    if (!['function', 'undefined'].includes(typeof fieldOf(port, call)))
      throw wrong(`the ${call} of its port must be a function`)
  if (answerTimeout !== undefined) milliseconds(answerTimeout, `The answerTimeout of ${name}`)
  if (!['read', 'idempotent', 'at-most-once'].includes(effect)) throw wrong(`effect is ${show(effect)}`)
  const agent = defineAgent({
    ...rest,
    run: async (input: Json, ctx) => {
      let task = await reach(ctx, { name, port, effect }, { what: 'send', input, call: (of) => port.send(input, of) })
      while (task.state === 'input-required' || task.state === 'auth-required') {
        const { id, question: text } = task
        const timeout = answerTimeout === undefined ? {} : { timeout: answerTimeout }
        const answer = (await ctx.ask({ text: `${name} asks: ${text}`, ...timeout })) as Json
        const call = (of: RemoteCall) => port.answer(id, answer, of)
        task = await reach(ctx, { name, port, effect }, { what: 'answer', input: { task: id, answer }, call })
      }
      if (task.state === 'completed') return task.output
      throw failure('remote.ended', { agent: name, state: task.state, problem: problemOf(task) })
    },
  })
  return Object.freeze({ ...agent, fingerprint: hashText(`remote\n${name}\n${effect}`) })
}

const problemOf = (task: RemoteTask) => ('problem' in task && task.problem) || 'it gave no reason'

interface Remote {
  readonly name: string
  readonly port: RemoteAgentPort
  readonly effect: Exclude<EffectClass, 'pure'>
}
interface Reach {
  readonly what: 'send' | 'answer'
  readonly input: Json
  readonly call: (of: RemoteCall) => Promise<RemoteTask>
}

function reach(ctx: StepContext, { name, port, effect }: Remote, { what, input, call }: Reach): Promise<RemoteTask> {
  const find = port.find?.bind(port)
  const reconcile = find && {
    reconcile: async (key: string) => {
      const output = await find(key)
      return output ? ({ happened: true, output: checkTask(name, output) } as const) : ('not' as const)
    },
  }
  return ctx.effect<RemoteTask>(
    `${what} ${name}`,
    { class: effect, input, taint: [`untrusted:${name}`], ...reconcile },
    async ({ key, signal }) => {
      const stopWatching = whenAborted(signal, () => void Promise.try(() => port.cancel?.(key)).catch(() => {}))
      try {
        return checkTask(name, await call({ key, signal }))
      } catch (error) {
        // The connection may have been lost after the remote agent did the work.
        const found = signal.aborted ? undefined : await find?.(key).catch(() => undefined)
        if (found) return checkTask(name, found)
        throw error
      } finally {
        stopWatching()
      }
    },
  )
}

const states = ['completed', 'input-required', 'auth-required', 'failed', 'rejected', 'canceled']

/** Validates a value that came from the remote agent. */
function checkTask(agent: string, task: RemoteTask): RemoteTask {
  const { id, state } = (task ?? {}) as Partial<RemoteTask>
  const asks = state === 'input-required' || state === 'auth-required'
  const problem =
    typeof id !== 'string' || !states.includes(state ?? '')
      ? 'it answered with no task'
      : state === 'completed' && !('output' in task && task.output !== undefined)
        ? 'it completed without an output'
        : asks && !('question' in task && typeof task.question === 'string')
          ? 'it asked without a question'
          : undefined
  if (problem !== undefined) throw failure('remote.ended', { agent, state: String(state), problem })
  return task
}
