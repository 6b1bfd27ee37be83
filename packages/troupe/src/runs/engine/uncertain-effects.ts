/** Uncertain effects of a run, and their resolution, while the run is open and after its end. */
import { checkText, type UserId } from '../../core/index.ts'
import { journalOwnerOf, type Resolution, runJournal, stepJournal, type UncertainEffect } from '../../journal/index.ts'
import { committed } from '../../storage/index.ts'
import { recordedCall } from '../history/steps/recorded-call.ts'
import type { CommandOptions } from './commands/command-options.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import type { UncertainEffectOfRun } from './run-result.ts'

/** @param all those of the user, if they have been read */
export async function uncertainEffects(
  { parts }: OrchestraHost,
  user: UserId,
  run: string,
  all?: readonly UncertainEffect[],
): Promise<readonly UncertainEffectOfRun[]> {
  const { steps } = parts.journal
  const listed = (all ?? (await steps.uncertain.list(user))).flatMap(({ step: journal, ...effect }) => {
    const owner = journalOwnerOf(journal)
    return owner?.run === run && owner.step !== undefined ? [{ ...effect, step: owner.step, journal }] : []
  })
  const found: UncertainEffectOfRun[] = []
  for (const { step, journal, call, effect, since } of listed) {
    const recorded = (await steps.effects(user, journal)).find((each) => each.call === call)
    const {
      name,
      class: effectClass,
      input,
      key,
    } = recorded ? recordedCall({ ...recorded, name: effect }) : ({ name: effect, class: 'at-most-once' } as const)
    found.push({
      step,
      call,
      name,
      class: effectClass,
      ...(input === undefined ? {} : { input }),
      ...(key === undefined ? {} : { key }),
      since: new Date(since).toISOString(),
      ...(recorded?.problem === undefined ? {} : { problem: recorded.problem }),
    })
  }
  return found
}

/** @throws ConflictError `effect.resolved` */
export async function resolveEffect(
  host: OrchestraHost,
  user: UserId,
  { run, step, call }: { readonly run: string; readonly step: string; readonly call: string },
  resolution: Resolution,
  options: CommandOptions,
): Promise<void> {
  const { steps } = host.parts.journal
  const { storage } = host.parts.stores
  for (const [name, text] of Object.entries({ step, call })) checkText(`run.resolve.${name}`, text)
  await host.row(user, run)
  const journal = stepJournal(run, step)
  const amended = await steps.resolveEnded(user, journal, call, resolution)
  if (!amended) {
    const resolved = steps.resolve(user, journal, call, resolution)
    return host.submit(user, run, { type: 'step.resumed', step }, options, resolved)
  }
  const entry = { actor: 'host', operation: 'run.resolve', resource: run }
  const statements = [...amended.statements, ...(host.parts.reporting.audit?.written(user, entry) ?? [])]
  await committed(storage, { id: null, scope: { user }, ...amended, statements })
  const { clock, events } = host.parts.platform
  events.emit({ type: 'approval.closed', at: clock.now(), userId: user, approval: runJournal(run) })
}
