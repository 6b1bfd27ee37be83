/** Rejects a fork that would share effects which have been undone: its steps would continue as if they had happened. */
import { failure, type UserId } from '../../../core/index.ts'
import { allRecords, runJournal, stepJournal } from '../../../journal/index.ts'
import { recordedCall } from '../../history/steps/recorded-call.ts'
import type { Event, Pinned } from '../../machine/machine-events.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { readRecord } from '../store/run-record.ts'
import { forkedFrom } from './forked-steps.ts'
import { endedSteps } from './reject-repeated.ts'

type Parts = Pick<OrchestraParts, 'journal'>

/**
 * @param shared.events the events of the fork, up to its event
 * @param shared.calls the calls that the fork shares with open steps of its source, by step
 * @throws ConflictError `effect.reverted`, with the effects in its details
 */
export async function rejectReverted(
  parts: Parts,
  user: UserId,
  source: { readonly run: string; readonly pinned: Pinned },
  shared: { readonly events: readonly Event[]; readonly calls: ReadonlyMap<string, ReadonlySet<string>> },
): Promise<void> {
  const runs = await withSources(parts, user, source)
  const found = await revertedCalls(parts, user, runs, shared.events)
  const ended = endedSteps(shared.events)
  const effects = found.filter(
    ({ run, step, call }) => !runs.includes(run) || ended.has(step) || shared.calls.get(step)?.has(call),
  )
  if (effects.length === 0) return
  const names = effects.map(({ run, step, name }) => `${name} (${run === source.run ? '' : `run ${run}, `}${step})`)
  throw failure('effect.reverted', { run: source.run, names: names.join(', '), effects })
}

/** Returns a run and the runs from which it was forked, which have the records of the steps that they share. */
async function withSources(
  { journal: { journals } }: Parts,
  user: UserId,
  { run, pinned }: { readonly run: string; readonly pinned: Pinned },
): Promise<readonly string[]> {
  const runs = [run]
  for (let from = forkedFrom(pinned); from; ) {
    runs.push(from.run)
    const [first] = await journals.read(user, runJournal(from.run), 0, 1)
    const input = first && readRecord(first.body).input
    from = input?.type === 'start' ? forkedFrom(input.pinned) : undefined
  }
  return runs
}

type RevertedCall = {
  readonly run: string
  readonly step: string
  readonly call: string
  /** The name of the tool or effect. */
  readonly name: string
}

/** Returns the undone effects of the steps in these events, and of the child runs that have ended in them. */
async function revertedCalls(
  parts: Parts,
  user: UserId,
  runs: readonly string[],
  events: readonly Event[],
): Promise<readonly RevertedCall[]> {
  const { journals, steps } = parts.journal
  const started = events.flatMap((event) => (event.type === 'step.started' ? [event.step] : []))
  const revertedIn = async (run: string, step: string): Promise<readonly RevertedCall[]> => {
    const journal = stepJournal(run, step)
    const reverted = await steps.reverted(user, journal)
    if (reverted.size === 0) return []
    const effects = (await steps.effects(user, journal)).filter(({ call }) => reverted.has(call))
    return effects.map((effect) => ({ run, step, call: effect.call, name: recordedCall(effect).name }))
  }
  const own = runs.flatMap((run) => started.map((step) => revertedIn(run, step)))
  const children = events.flatMap((event) => (event.type === 'run.charged' ? [event.run] : []))
  const below = children.map(async (child) => {
    const records = await journals.read(user, runJournal(child), 0, allRecords)
    return revertedCalls(
      parts,
      user,
      [child],
      records.flatMap(({ body }) => readRecord(body).events ?? []),
    )
  })
  return (await Promise.all([...own, ...below])).flat()
}
