/**
 * The messages in the inbox of a run, and the inputs that they become. These shapes are stored: they keep their meaning, and
 * new fields are optional.
 */
import { failure, type Json } from '../../../core/index.ts'
import type { StepEnd } from '../../../journal/index.ts'
import type { Input, InputOf, StepUsage, Tripped, Untimed } from '../../machine/machine-events.ts'
import { childIn } from '../children/child-run-id.ts'

/** A command for a run. */
export type Order = Untimed<
  InputOf<
    'pause' | 'cancel' | 'resume' | 'break' | 'step.edited' | 'branch.edited' | 'question.answered' | 'step.resumed'
  >
>

/** The inputs that steps, timers, child runs and the parent put into the inbox. */
const inboxInputs = [
  'step.returned',
  'step.failed',
  'question.asked',
  'request.made',
  'timer',
  'pause',
  'resume',
  'break',
  'cancel',
  'run.charged',
  'child.waiting',
  'child.resumed',
] as const

export type RunMessage =
  | Untimed<InputOf<(typeof inboxInputs)[number]>>
  /** `key` and `agent` of the caller; another process may accept the command. */
  | {
      readonly type: 'command'
      readonly id: string
      readonly order: Order
      readonly key?: string
      readonly agent?: string
    }

/** The message of a type. */
export type RunMessageOf<T extends RunMessage['type']> = Extract<RunMessage, { readonly type: T }>

export const runMessageJson = (message: RunMessage): Json => message

/** @param at the time at which the run accepts it, ms since 1970 */
export function inputOf(message: RunMessage, at: number): Input {
  if (message.type === 'command') return { at, ...message.order }
  if (!inboxInputs.includes(message.type))
    throw failure('invariant.broken', { rule: 'what is put into the inbox of a run is known to this release' })
  return { at, ...(message.type === 'step.failed' ? rejectionOf(message) : message) }
}

/** A step whose reservation the storage rejected has not failed: the guard of the budget ended the run. */
function rejectionOf(message: RunMessageOf<'step.failed'>): Untimed<InputOf<'step.failed' | 'budget.rejected'>> {
  const { error, ...failed } = message
  const details = (error.details ?? {}) as {
    readonly budget?: string
    readonly limit?: number
    readonly needed?: number
  }
  const { budget, limit = 0, needed } = details
  // The run knows its usage of tokens and cost; the rejected reservation has not read it.
  return error.code === 'budget.exceeded' && (budget === 'tokens' || budget === 'cost')
    ? { ...failed, type: 'budget.rejected', budget, limit, ...(needed === undefined ? {} : { needed }) }
    : message
}

/** Returns the field of a message or an input; no field without a trip. */
export const tripsField = (trips: Tripped['trips'] = []): Tripped => (trips.length === 0 ? {} : { trips })

type Unsettled = Extract<StepEnd, { readonly status: 'parked' | 'uncertain' | 'code.changed' }>

/** A waiting step and its waits, as the run records them. */
export function waitOf(
  { step, usage, trips }: { readonly step: string; readonly usage: StepUsage | undefined } & Tripped,
  end: Unsettled,
  at: number,
): InputOf<'step.waiting'> {
  const children = end.status === 'parked' ? end.waits.flatMap((call) => childIn(call) ?? []) : []
  const wait = {
    at,
    type: 'step.waiting',
    step,
    reason: end.status,
    detail: detailOf(end),
    children,
    ...tripsField(trips),
  } as const
  return usage ? { ...wait, usage } : wait
}

function detailOf(end: Unsettled): Json {
  if (end.status === 'parked') return [...end.waits]
  return end.status === 'uncertain' ? { effect: end.effect, call: end.call } : { problem: end.problem }
}
