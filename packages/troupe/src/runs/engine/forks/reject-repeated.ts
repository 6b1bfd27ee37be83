/** Rejects a fork that would repeat `at-most-once` effects which its source began after the fork's event. */
import { failure, type UserId } from '../../../core/index.ts'
import { allRecords, type JournalRecord, runJournal, stepJournal } from '../../../journal/index.ts'
import { type RecordedCall, recordedCall } from '../../history/steps/recorded-call.ts'
import type { Event } from '../../machine/machine-events.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { readRecord } from '../store/run-record.ts'
import { isChild } from './fork-children.ts'
import type { StepLogEntry } from './forked-steps.ts'

/** A call of the source after the fork's event, which the fork makes again. */
export interface UnsharedCall {
  readonly run: string
  readonly step: string
  readonly call: RecordedCall
}

interface Shared {
  /** The events of the fork, up to its event. */
  readonly events: readonly Event[]
  /** The records that the fork shares with its source, by step. */
  readonly calls: ReadonlyMap<string, ReadonlySet<string>>
}

type Parts = Pick<OrchestraParts, 'journal'>

/** The states of an effect that happened or may have happened; an effect that certainly failed can be repeated. */
export const happened: ReadonlySet<string> = new Set(['done', 'uncertain', 'claimed'])

/** @throws ConflictError `effect.repeated`, with the effects in its details */
export async function rejectRepeated(
  parts: Parts,
  user: UserId,
  source: { readonly run: string; readonly records: readonly JournalRecord[] },
  shared: Shared,
): Promise<void> {
  const calls = (await unsharedCalls(parts, user, source, shared)).filter(isRepeated)
  if (calls.length === 0) return
  const effects = calls.map(({ run, step, call: { call, name, key } }) => ({
    run,
    step,
    call,
    name,
    ...(key === undefined ? {} : { key }),
  }))
  const names = effects.map(({ run, step, name }) => `${name} (${run === source.run ? '' : `run ${run}, `}${step})`)
  throw failure('effect.repeated', { run: source.run, names: names.join(', '), effects })
}

/** Returns true for an effect of class `at-most-once` that happened or may have happened. */
const isRepeated = ({ call }: UnsharedCall): boolean => call.class === 'at-most-once' && happened.has(call.state)

/** Returns the calls of the source, and of its child runs, that the fork does not share. */
export async function unsharedCalls(
  parts: Parts,
  user: UserId,
  source: { readonly run: string; readonly records: readonly JournalRecord[] },
  { events, calls }: Shared,
): Promise<readonly UnsharedCall[]> {
  const ended = endedSteps(events)
  const found: UnsharedCall[] = []
  for (const step of stepsOf(source.records))
    if (!ended.has(step)) found.push(...(await callsOfStep(parts, user, { run: source.run, step }, calls.get(step))))
  return found
}

/** Returns the steps that have ended in these events: the fork shares all of their calls. */
export const endedSteps = (events: readonly Event[]): ReadonlySet<string> =>
  new Set(
    events.flatMap((event) => (event.type === 'step.completed' || event.type === 'step.failed' ? [event.step] : [])),
  )

const stepsOf = (records: readonly JournalRecord[]): readonly string[] => [
  ...new Set(
    records.flatMap(({ body }) =>
      (readRecord(body).events ?? []).flatMap((event) => (event.type === 'step.started' ? [event.step] : [])),
    ),
  ),
]

/** Returns the calls of the step and of its child runs. */
async function callsOfStep(
  parts: Parts,
  user: UserId,
  { run, step }: { readonly run: string; readonly step: string },
  shared: ReadonlySet<string> = new Set(),
): Promise<readonly UnsharedCall[]> {
  const journal = stepJournal(run, step)
  const own = (await parts.journal.steps.effects(user, journal))
    .filter(({ call }) => !shared.has(call))
    .map((effect): UnsharedCall => ({ run, step, call: recordedCall(effect) }))
  const records = await parts.journal.journals.read(user, journal, 0, allRecords)
  const started = records.flatMap(({ body }) => (body as readonly StepLogEntry[]).filter(isChild))
  const children = started.flatMap(({ id = '', v }) => (shared.has(id) ? [] : [String(v)]))
  const below = await Promise.all(children.map((child) => callsOfRun(parts, user, child)))
  return [...own, ...below.flat()]
}

async function callsOfRun(parts: Parts, user: UserId, run: string): Promise<readonly UnsharedCall[]> {
  const records = await parts.journal.journals.read(user, runJournal(run), 0, allRecords)
  const found = await Promise.all(stepsOf(records).map((step) => callsOfStep(parts, user, { run, step })))
  return found.flat()
}
