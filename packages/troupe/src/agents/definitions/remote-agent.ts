/**
 * An agent at the other end of a wire, which shares no database with us: each task it is given is one effect. What it is
 * reached by is a port; its states are those of the A2A protocol.
 */
import { checkAgentName } from '../../context/index.ts'
import {
  checkOptions,
  type Duration,
  failure,
  fieldOf,
  hashText,
  type Json,
  type Schema,
  show,
} from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import type { Agent, AgentAccess, StepContext } from '../agent-port.ts'
import { defineAgent } from './define-agent.ts'

/** How a task stands when the remote agent rests. */
export type RemoteTask =
  | { readonly id: string; readonly state: 'completed'; readonly output: Json }
  /** A person is asked, and the answer goes back. */
  | { readonly id: string; readonly state: 'input-required' | 'auth-required'; readonly question: string }
  | { readonly id: string; readonly state: 'failed' | 'rejected' | 'canceled'; readonly problem?: string }

export interface RemoteCall {
  /** The same where a call is repeated: a remote agent that knows it begins nothing twice. */
  readonly key: string
  /** Aborts when the step is cancelled or out of time. */
  readonly signal: AbortSignal
}

/** What reaches a remote agent. Each call resolves once the task rests; a connection that is lost throws. */
export interface RemoteAgentPort {
  send(input: Json, call: RemoteCall): Promise<RemoteTask>
  /** To a task that asked. */
  answer(task: string, answer: Json, call: RemoteCall): Promise<RemoteTask>
  /**
   * The task that was begun, or answered, under this key, once it rests; undefined where none was. After a crash it says
   * what became of a call; without it such a call is uncertain, and waits for a person.
   */
  find?(key: string): Promise<RemoteTask | undefined>
  /** Tells it that nobody waits for the task under this key any more. Best effort. */
  cancel?(key: string): Promise<void>
}

export interface RemoteAgentOptions extends AgentAccess {
  readonly name: string
  readonly description?: string
  readonly port: RemoteAgentPort
  /** `at-most-once` by default; `idempotent` for one that begins nothing twice under a key. */
  readonly effect?: Exclude<EffectClass, 'pure'>
  /** For the answer of a person to what it asks; none by default. */
  readonly answerTimeout?: Duration
  readonly inputSchema?: Schema<Json>
  /** Of its output. A wrong one fails the step and repeats nothing. */
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
]

/**
 * It stands in a topology like any other agent.
 * @throws ValidationError for an option that is wrong or unknown
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
      const gone = () => void Promise.try(() => port.cancel?.(key)).catch(() => {})
      signal.addEventListener('abort', gone, { once: true })
      try {
        return checkTask(name, await call({ key, signal }))
      } catch (error) {
        // The connection may have been lost after it did its work.
        const found = signal.aborted ? undefined : await find?.(key).catch(() => undefined)
        if (found) return checkTask(name, found)
        throw error
      } finally {
        signal.removeEventListener('abort', gone)
      }
    },
  )
}

const states = ['completed', 'input-required', 'auth-required', 'failed', 'rejected', 'canceled']

/** What comes over a wire is looked at before it is believed. */
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
