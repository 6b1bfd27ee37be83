/** Rejects a fork that would repeat `at-most-once` effects which its source began after the fork's event. */
import { failure, type UserId } from '../../../core/index.ts'
import type { JournalRecord } from '../../../journal/index.ts'
import { recordedCall } from '../../history/steps/recorded-call.ts'
import type { Event } from '../../machine/machine-events.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { runJournal, stepJournal } from '../store/run-journals.ts'
import { readRecord } from '../store/run-record.ts'
import { isChild } from './fork-children.ts'
import type { StepLogEntry } from './forked-steps.ts'

type RepeatedEffect = {
  readonly run: string
  readonly step: string
  readonly call: string
  readonly name: string
  readonly key?: string
}

interface Shared {
  /** The events of the fork, up to its event. */
  readonly events: readonly Event[]
  /** The records that the fork shares with its source, by step. */
  readonly calls: ReadonlyMap<string, ReadonlySet<string>>
}

type Parts = Pick<OrchestraParts, 'journal'>

/** Returns true for an effect that happened or may have happened; an effect that certainly failed can be repeated. */
export const happened: ReadonlySet<string> = new Set(['done', 'uncertain', 'claimed'])
const allRecords = 1_000_000

/** @throws ConflictError `effect.repeated`, with the effects in its details */
export async function rejectRepeated(
  parts: Parts,
  user: UserId,
  source: { readonly run: string; readonly records: readonly JournalRecord[] },
  { events, calls }: Shared,
): Promise<void> {
  const ended = new Set(
    events.flatMap((event) => (event.type === 'step.completed' || event.type === 'step.failed' ? [event.step] : [])),
  )
  const steps = stepsOf(source.records).filter((step) => !ended.has(step))
  const effects: RepeatedEffect[] = []
  for (const step of steps) effects.push(...(await effectsOfStep(parts, user, source.run, step, calls.get(step))))
  if (effects.length === 0) return
  const names = effects.map(({ run, step, name }) => `${name} (${run === source.run ? '' : `run ${run}, `}${step})`)
  throw failure('effect.repeated', { run: source.run, names: names.join(', '), effects })
}

const stepsOf = (records: readonly JournalRecord[]): readonly string[] => [
  ...new Set(
    records.flatMap(({ body }) =>
      (readRecord(body).events ?? []).flatMap((event) => (event.type === 'step.started' ? [event.step] : [])),
    ),
  ),
]

/** Returns the effects of the step and of its child runs. */
async function effectsOfStep(
  parts: Parts,
  user: UserId,
  run: string,
  step: string,
  shared: ReadonlySet<string> = new Set(),
): Promise<readonly RepeatedEffect[]> {
  const journal = stepJournal(run, step)
  const effects = (await parts.journal.steps.effects(user, journal))
    .filter((effect) => effect.class === 'at-most-once' && happened.has(effect.state) && !shared.has(effect.call))
    .map((effect): RepeatedEffect => {
      const { call, name, key } = recordedCall(effect)
      return { run, step, call, name, ...(key === undefined ? {} : { key }) }
    })
  const records = await parts.journal.journals.read(user, journal, 0, allRecords)
  const started = records.flatMap(({ body }) => (body as readonly StepLogEntry[]).filter(isChild))
  const children = started.flatMap(({ id = '', v }) => (shared.has(id) ? [] : [String(v)]))
  const below = await Promise.all(children.map((child) => effectsOfRun(parts, user, child)))
  return [...effects, ...below.flat()]
}

async function effectsOfRun(parts: Parts, user: UserId, run: string): Promise<readonly RepeatedEffect[]> {
  const records = await parts.journal.journals.read(user, runJournal(run), 0, allRecords)
  const found = await Promise.all(stepsOf(records).map((step) => effectsOfStep(parts, user, run, step)))
  return found.flat()
}
