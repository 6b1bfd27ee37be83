/** What a session answers with. */
import { failure, type Json, type TroupeError } from '../../core/index.ts'
import type { Outcome, StepReport } from '../agent-port.ts'
import type { SessionQuestion } from './thread-store.ts'

export interface SessionResult {
  readonly status: 'completed' | 'waiting'
  readonly success: boolean
  /** What the model said; of another form than text, its JSON. */
  readonly text: string
  /** Everything that was said: the text, and the sources that it cites. */
  readonly content: NonNullable<StepReport['content']>
  /** The value: of the agent's output schema where it has one, else the text. */
  readonly output: Json
  readonly response: Json
  readonly usage: StepReport['usage']
  readonly cost: StepReport['cost']
  readonly toolCalls: StepReport['toolCalls']
  /** `provider/model` that answered; empty for an agent without a model. */
  readonly model: string
  readonly fallback?: NonNullable<StepReport['fallback']>
  /** The log probabilities of the last answer as the provider reports them, if the settings ask for them. */
  readonly logprobs?: Json
  /** What it waits for. */
  readonly questions?: readonly SessionQuestion[]
}
export type RunOutcome =
  | SessionResult
  | (Omit<SessionResult, 'status'> & { readonly status: 'failed' | 'cancelled'; readonly error: TroupeError })

const noReport: StepReport = {
  text: '',
  usage: { inputTokens: 0, outputTokens: 0 },
  cost: { usd: 0, unknown: [] },
  toolCalls: [],
  model: '',
}

/** Of what came to no end, nothing was said. */
export const noResult = (): SessionResult => ({
  ...sessionResultOf({ kind: 'value', value: null }),
  text: '',
  content: [],
})

export function sessionResultOf(outcome: Outcome): SessionResult {
  const report = outcome.report ?? noReport
  const value = 'value' in outcome ? outcome.value : 'input' in outcome ? outcome.input : null
  const text = typeof value === 'string' ? value : report.text || JSON.stringify(value)
  return {
    status: 'completed',
    success: true,
    text,
    content: report.content ?? [{ type: 'text', text }],
    output: value,
    response: value,
    usage: report.usage,
    cost: report.cost,
    toolCalls: report.toolCalls,
    model: report.model,
    ...(report.fallback ? { fallback: report.fallback } : {}),
    ...(report.logprobs === undefined ? {} : { logprobs: report.logprobs }),
  }
}

export const waitingFor = (thread: string, question: string): TroupeError =>
  failure('session.waiting', { thread, question })
