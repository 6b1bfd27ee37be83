/** Guardrails of an LlmAgent: checks of its input and of its answer. */
import { checkOptions, failure } from '../../core/index.ts'
import type { Agent } from '../agent-port.ts'

/** The result of a check. `redacted` replaces the checked content. */
export type GuardrailVerdict =
  | { readonly pass: true }
  | {
      readonly pass: false
      /** Why the check failed, for events, errors and questions. */
      readonly reason: string
      /**
       * The text that replaces the content; the step continues with it. It is ignored for a check that runs beside the
       * model call.
       */
      readonly redacted?: string
    }

/** The second argument of a check. */
export interface GuardrailContext {
  /** The name of the agent whose input or output is checked. */
  readonly agent: string
  /** `input` for the input of a step, `output` for what the step returns or passes on. */
  readonly direction: 'input' | 'output'
  /** Aborts when the step is cancelled or has timed out. */
  readonly signal: AbortSignal
}

/**
 * Checks a content. A value that is not a text is given as its JSON. Verdicts are recorded, so a replay does not call
 * the function. An error that the function throws fails the step.
 */
export type GuardrailFunction = (content: string, ctx: GuardrailContext) => GuardrailVerdict | Promise<GuardrailVerdict>

/** A function, or an agent that gets `{ content, direction }` and answers with a verdict as JSON. */
export type GuardrailCheck = GuardrailFunction | Agent

/** A check with its options. */
export interface Guardrail {
  /** The name in events and errors; by default that of the function or agent, or its position in the list. */
  readonly name?: string
  /** The function or agent that checks. */
  readonly check: GuardrailCheck
  /**
   * Says when an input is checked: `before` the first model call (default), or `beside` it, at the cost of a call if it trips.
   * The answer is used only after the check has passed.
   */
  readonly when?: 'before' | 'beside'
  /** Says how a failed check without `redacted` ends: `fail` ends the step (default), `ask` lets a person decide. */
  readonly onTrip?: 'fail' | 'ask'
}

/** The checks of an LlmAgent. Each check gets the content that the check before it has redacted. */
export interface GuardrailsOptions {
  /** The checks of the input of a step, in their order. */
  readonly input?: readonly (GuardrailCheck | Guardrail)[]
  /** The checks of what a step returns, hands off or passes to invoked agents, in their order. */
  readonly output?: readonly (GuardrailCheck | Guardrail)[]
}

/** A guardrail with its defaults. */
export interface ReadGuardrail extends Required<Guardrail> {
  readonly direction: GuardrailContext['direction']
}

export interface ReadGuardrails {
  readonly input: readonly ReadGuardrail[]
  readonly output: readonly ReadGuardrail[]
}

const isCheck = (value: unknown): value is GuardrailCheck =>
  typeof value === 'function' || typeof (value as Partial<Agent> | null)?.step === 'function'

/** @throws ValidationError `agent.wrong` */
export function readGuardrails(agent: string, options: GuardrailsOptions = {}): ReadGuardrails {
  checkOptions('guardrails', options, ['input', 'output'])
  const read = (direction: 'input' | 'output') => {
    const listed = options[direction] ?? []
    const wrong = (at: number, problem: string) =>
      failure('agent.wrong', { agent, problem: `guardrails.${direction}[${at}] ${problem}` })
    if (!Array.isArray(listed))
      throw failure('agent.wrong', { agent, problem: `guardrails.${direction} is not a list` })
    return (listed as readonly (GuardrailCheck | Guardrail)[]).map((each, i): ReadGuardrail => {
      const guardrail = isCheck(each) ? { check: each } : each
      if (!isCheck(guardrail?.check)) throw wrong(i, 'has no check: a function or an agent')
      checkOptions('a guardrail', guardrail, ['name', 'check', 'when', 'onTrip'])
      const {
        check,
        name = check.name || `${direction} ${i + 1}`,
        when = 'before',
        onTrip = 'fail',
      } = guardrail as Guardrail
      if (when !== 'before' && when !== 'beside') throw wrong(i, 'has a `when` that is neither before nor beside')
      if (when === 'beside' && direction === 'output') throw wrong(i, 'is of the output: there is no call beside it')
      if (onTrip !== 'fail' && onTrip !== 'ask') throw wrong(i, 'has an `onTrip` that is neither fail nor ask')
      return { name, check, when, onTrip, direction }
    })
  }
  return { input: read('input'), output: read('output') }
}
