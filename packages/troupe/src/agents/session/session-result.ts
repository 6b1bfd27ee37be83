/** The result of a call of a session. */
import {
  type AsJson,
  CancelledError,
  failure,
  type Json,
  restoreError,
  storeError,
  type TroupeError,
} from '../../core/index.ts'
import type { StepEnd } from '../../journal/index.ts'
import type { Agent, Outcome, StepReport } from '../agent-port.ts'
import { spentOfFailure } from '../definitions/failed-spending.ts'
import type { SessionQuestion } from './thread-store.ts'

/**
 * The type of the output of an agent in a session: the JSON form of the type that its definition declares; any JSON if it
 * declares none.
 */
export type SessionOutput<A> = A extends Agent<never, infer Out> ? AsJson<Out> : Json

/** The result of a message to an agent. */
export interface SessionResult<Out = Json>
  extends Pick<StepReport, 'usage' | 'cost' | 'toolCalls' | 'finish' | 'fallback' | 'logprobs'> {
  /** `completed` if the agent has answered, `waiting` if it waits for an answer or an approval. */
  readonly status: 'completed' | 'waiting'
  /** True if the agent has answered. */
  readonly success: boolean
  /** The text of the answer; the JSON of an answer that is neither a text nor files. Empty while the agent waits. */
  readonly text: string
  /** The parts of the answer: its text, the files that the model made, and the sources that it cites. */
  readonly content: NonNullable<StepReport['content']>
  /**
   * The value of the agent: it fits the agent's output schema if there is one, else it is the text, or the files of an
   * answer without a text. Null without an answer.
   */
  readonly output: Out | null
  /** The same value as `output`, under the name that the result of a run has. */
  readonly response: Out | null
  /** `provider/model` of the last answer; empty if no model answered. */
  readonly model: string
  /** The questions that must be answered with `answer` before the agent can continue. */
  readonly questions?: readonly SessionQuestion[]
}
/** The result of `Session.run`: as `SessionResult`, with the error if the agent has failed or was cancelled. */
export type RunOutcome<Out = Json> =
  | SessionResult<Out>
  | (Omit<SessionResult<Out>, 'status'> & {
      /** `failed` if the agent has failed, `cancelled` if the signal aborted. */
      readonly status: 'failed' | 'cancelled'
      /** The error that `generate` would throw. */
      readonly error: TroupeError
    })

const noReport: StepReport = {
  text: '',
  usage: { inputTokens: 0, outputTokens: 0 },
  cost: { usd: 0, unknown: [] },
  toolCalls: [],
  model: '',
}

/** Returns the result of a call that has no answer. */
export const noResult = <Out>(): SessionResult<Out> => ({
  ...sessionResultOf<Out>({ kind: 'value', value: null }),
  text: '',
  content: [],
})

/** Returns the result of a call that failed or was cancelled, with the usage that its error carries. */
export function failedCall<Out>(error: TroupeError): RunOutcome<Out> {
  const { usage, cost } = spentOfFailure(storeError(error)) ?? noReport
  const status = error instanceof CancelledError ? 'cancelled' : 'failed'
  return { ...noResult(), usage, cost, status, success: false, error }
}

export function sessionResultOf<Out>(outcome: Outcome): SessionResult<Out> {
  const report = outcome.report ?? noReport
  const value = 'value' in outcome ? outcome.value : 'input' in outcome ? outcome.input : null
  const content = report.content
  const isText = content === undefined || content.some(({ type }) => type !== 'file')
  const text = typeof value === 'string' ? value : report.text || (isText ? JSON.stringify(value) : '')
  return {
    status: 'completed',
    success: true,
    text,
    content: content ?? [{ type: 'text', text }],
    output: value as Out | null,
    response: value as Out | null,
    usage: report.usage,
    cost: report.cost,
    toolCalls: report.toolCalls,
    model: report.model,
    ...(report.finish ? { finish: report.finish } : {}),
    ...(report.fallback ? { fallback: report.fallback } : {}),
    ...(report.logprobs === undefined ? {} : { logprobs: report.logprobs }),
  }
}

export const waitingFor = (thread: string, question: string): TroupeError =>
  failure('session.waiting', { thread, question })

/** Returns a result that has an answer. @throws ConflictError `session.waiting` while the agent or its tool waits for one */
export function answered<Out>(result: SessionResult<Out>, thread: string): SessionResult<Out> {
  if (result.status === 'waiting') throw waitingFor(thread, result.questions?.[0]?.id ?? '')
  return result
}

/**
 * Returns the result of a call whose step has stopped in this process.
 * @param questions reads the open questions of the thread
 * @throws the error of the agent, and an error for a step that has no result
 */
export async function resultOfEnd<Out>(
  end: StepEnd,
  about: {
    readonly agent: string
    readonly threadId: string
    readonly step: string
    readonly cause: unknown
    /** The usage of the step so far, as the details of an error carry it. */
    readonly spent: { readonly spent?: Json }
    readonly isLeaseLost: boolean
  },
  questions: () => Promise<readonly SessionQuestion[]>,
): Promise<SessionResult<Out>> {
  const { agent, threadId, step, cause } = about
  switch (end.status) {
    case 'completed':
      return sessionResultOf(end.outcome as Outcome)
    case 'failed':
      throw restoreError(end.error)
    case 'cancelled':
      throw failure('cancelled', { what: `${agent} in the thread ${threadId}`, ...about.spent }, { cause })
    case 'parked':
      if (end.waits.length > 0)
        return { ...noResult(), status: 'waiting', success: false, questions: await questions() }
      // Without an open question the step was interrupted; it continues with the next call of the thread.
      if (about.isLeaseLost) throw failure('journal.lost', { journal: step })
      throw failure('troupe.closed', { what: `An answer of ${agent}` })
    case 'uncertain':
      throw failure('effect.uncertain', { effect: end.effect, step })
    case 'code.changed':
      throw failure('code.changed', { step, problem: end.problem })
    case 'lost':
      throw end.error ?? failure('journal.lost', { journal: step })
  }
}
