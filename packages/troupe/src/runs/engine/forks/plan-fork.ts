/** Says what a fork would share, pay and repeat, from the records of its source; it starts and writes nothing. */
import type { Question, UserId } from '../../../core/index.ts'
import { PastRun } from '../../history/past-run.ts'
import { hasEnded, type State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { ForkOptions } from './fork-options.ts'
import { type ForkSource, shareHistory } from './fork-run.ts'
import { sharedCalls } from './fork-steps.ts'
import { happened, type UnsharedCall, unsharedCalls } from './reject-repeated.ts'
import { rejectReverted } from './reject-reverted.ts'

/** A side effect of the source that a fork would make again. */
export interface RepeatedEffect {
  /** The run that made it: the source, or one of its child runs. */
  readonly run: string
  /** The id of the step. */
  readonly step: string
  /** The id of the call in the step. */
  readonly call: string
  /** The name of the tool or effect. */
  readonly name: string
  /** Its class; `read` and `pure` calls are not listed. */
  readonly class: 'idempotent' | 'at-most-once'
}

/** What a fork would do. The figures are those of the source; an edit can change what the fork does. */
export interface ForkPlan {
  /** Ended steps that the fork shares and does not execute again. */
  readonly sharedSteps: number
  /** What the source paid after the event, which the fork pays again. */
  readonly paid: {
    /** Model calls. */
    readonly calls: number
    /** Input and output tokens. */
    readonly tokens: number
    /** US dollars, of the calls whose price is known. */
    readonly cost: number
    /** Model calls whose price is unknown. */
    readonly unpriced: number
  }
  /** Effects that happened or may have happened after the event, those of class `at-most-once` first. */
  readonly repeated: readonly RepeatedEffect[]
  /** Questions that are open where the fork begins, or that the source asked later. */
  readonly asked: readonly {
    /** The name of the agent that asks. */
    readonly agent: string
    /** The kind of the question. */
    readonly kind: Question['kind']
    /** The text of the question. */
    readonly text: string
  }[]
}

/**
 * @param options as `readFork` returns them
 * @throws ConflictError `effect.reverted`, as the fork
 */
export async function planFork(
  parts: OrchestraParts,
  user: UserId,
  source: ForkSource,
  options: Pick<ForkOptions, 'at' | 'edit'>,
): Promise<ForkPlan> {
  const at = parts.platform.clock.now()
  const { state, events, logs } = await shareHistory(parts, user, { ...source, fork: 'planned', at }, { options })
  const sharedSteps = events.filter(({ type }) => type === 'step.completed' || type === 'step.failed').length
  if (hasEnded(state)) return { sharedSteps, paid: paidFor([]), repeated: [], asked: [] }
  const shared = { events, calls: sharedCalls(logs) }
  await rejectReverted(parts, user, source, shared)
  const calls = await unsharedCalls(parts, user, source, shared)
  return {
    sharedSteps,
    paid: paidFor(calls),
    repeated: effectsOf(calls),
    asked: questionsOf(source, options.at, state),
  }
}

interface ModelAnswer {
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost?: number
}

function paidFor(calls: readonly UnsharedCall[]): ForkPlan['paid'] {
  const answers = calls.flatMap(({ call }) =>
    call.kind === 'model' && call.output !== undefined ? [call.output as ModelAnswer] : [],
  )
  const sum = (of: (answer: ModelAnswer) => number) => answers.reduce((total, answer) => total + of(answer), 0)
  return {
    calls: answers.length,
    tokens: sum(({ usage }) => (usage ? usage.inputTokens + usage.outputTokens : 0)),
    cost: sum(({ cost = 0 }) => cost),
    unpriced: answers.filter(({ cost }) => cost === undefined).length,
  }
}

function effectsOf(calls: readonly UnsharedCall[]): readonly RepeatedEffect[] {
  const ofClass = (wanted: RepeatedEffect['class']) =>
    calls
      .filter(({ call }) => call.kind !== 'model' && call.class === wanted && happened.has(call.state))
      .map(({ run, step, call: { call, name } }) => ({ run, step, call, name, class: wanted }))
  return [...ofClass('at-most-once'), ...ofClass('idempotent')]
}

function questionsOf({ run, records }: ForkSource, at: number, state: State): ForkPlan['asked'] {
  const later = PastRun.of(run, records).events.flatMap((event) =>
    event.type === 'question.asked' && event.seq > at ? [event] : [],
  )
  return [...viewOf(state).questions(), ...later].map(({ agent, ask: { kind, text } }) => ({ agent, kind, text }))
}
