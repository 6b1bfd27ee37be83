/** Finds the event from which a failed run is retried; a step that failed with an awaited answer gets a new answer. */
import { failure, type UserId } from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import { rootFailureOf } from '../../history/explain/explain-failure.ts'
import type { PastRun } from '../../history/past-run.ts'
import type { NumberedEvent } from '../events/run-event.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { failedCalls } from './failed-calls.ts'
import type { StepLogEntry } from './forked-steps.ts'

type RetryPoint = ReturnType<typeof retryPointOf>

/** @throws ConflictError `retry.rejected` */
export async function findRetryPoint(
  { journal: { journals } }: Pick<OrchestraParts, 'journal'>,
  user: UserId,
  past: PastRun,
  options: Parameters<typeof retryPointOf>[1],
): Promise<RetryPoint> {
  const retryPoint = retryPointOf(past, options)
  let { at } = retryPoint
  const steps = retryPoint.step === undefined ? [] : [retryPoint.step]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const content = await journals.load(user, stepJournal(past.run, step))
    const entries = (content?.records ?? []).flatMap(({ body }) => body as readonly StepLogEntry[])
    for (const failed of failedCalls(entries)) {
      const { t, id: wait = '' } = entries[failed] as StepLogEntry
      const began = t === 'reply' ? waitPointOf(past, { step, wait }) : undefined
      if (!began) continue
      at = Math.min(at, began.at)
      if (began.served !== undefined) steps.push(began.served)
    }
  }
  return { ...retryPoint, at }
}

/**
 * @param options `from`: a failed step, or a branch for its last step; by default the step that failed the run.
 * `stopped`: a run that was cancelled continues where it stopped
 * @returns the `seq` of the last event that the retry shares, and the step that is retried
 * @throws ConflictError `retry.rejected`
 */
function retryPointOf(
  past: PastRun,
  { from, stopped = false }: { readonly from?: string | undefined; readonly stopped?: boolean },
): { readonly at: number; readonly step?: string } {
  const rejection = (problem: string) => failure('retry.rejected', { run: past.run, problem })
  const end = past.events.at(-1)?.type
  const wasStopped = stopped && end === 'run.cancelled'
  if (end !== 'run.failed' && !wasStopped) throw rejection('it has not failed')
  const cause = wasStopped ? stopOf : causeOf
  const failed = from === undefined ? cause(past.events) : lastFailureOf(past.events, from)
  if (!failed) throw rejection(from === undefined ? 'nothing in it failed' : `no step ${from} of it has failed`)
  const at = positionBefore(past, stopOfItsOwn(past.events, failed) ?? failed)
  if (at < 1) throw rejection('it failed as it was started')
  return { at, ...('step' in failed ? { step: failed.step as string } : {}) }
}

/**
 * Finds the failed wait of a step: its question expired, or the step that served its request failed or timed out.
 * @returns the `seq` of the last event before it, and the step that failed by itself in serving
 */
function waitPointOf(
  past: PastRun,
  { step, wait }: { readonly step: string; readonly wait: string },
): { readonly at: number; readonly served?: string } | undefined {
  const served = `${step}>${wait}`
  const found = past.events.findLast(
    (event) =>
      (event.type === 'question.expired' && event.question === `${step}?${wait}`) ||
      (event.type === 'step.cancel-requested' && event.step === served && event.cancellation.as === 'failed') ||
      (event.type === 'step.failed' && event.step === served),
  )
  if (!found) return undefined
  const stopped = stopOfItsOwn(past.events, found)
  const at = positionBefore(past, stopped ?? found)
  return found.type === 'step.failed' && !stopped ? { at, served } : { at }
}

const positionBefore = ({ records }: PastRun, { seq }: NumberedEvent): number =>
  (records.findLast(({ first }) => first <= seq)?.first ?? 1) - 1

/** A guard ends a run without a failed step, and so does the time limit of a run. */
const causeOf = (events: readonly NumberedEvent[]): NumberedEvent | undefined =>
  events.find(({ type }) => type === 'guard.tripped') ??
  rootFailureOf(events) ??
  events.findLast(({ type }) => type === 'run.cancel-requested')

/** Returns the event at which a step or branch reached its time limit; after it, only the end was awaited. */
const stopOfItsOwn = (events: readonly NumberedEvent[], failed: NumberedEvent): NumberedEvent | undefined =>
  'step' in failed
    ? events.find(
        (event) =>
          event.type === 'step.cancel-requested' && event.step === failed.step && event.cancellation.as === 'failed',
      )
    : undefined

const stopOf = (events: readonly NumberedEvent[]): NumberedEvent | undefined =>
  events.findLast(({ type }) => type === 'run.cancel-requested') ?? events.at(-1)

const lastFailureOf = (events: readonly NumberedEvent[], from: string): NumberedEvent | undefined =>
  events.findLast((event) => event.type === 'step.failed' && (event.step === from || event.branch === from))
