/** Effects of a run whose outcome is unknown, and what somebody finds out about them: while the run goes on and after its end. */
import { failure, type Json, type UserId } from '../../core/index.ts'
import type { EffectClass, Resolution } from '../../journal/index.ts'
import { recordedCall } from '../history/recorded-call.ts'
import type { CommandOptions } from './commands/command-options.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import { journalOwnerOf, stepJournal } from './store/run-journals.ts'

export interface UncertainEffectOfRun {
  readonly step: string
  /** Which call of the step it is. */
  readonly call: string
  /** The name of its tool, or the one that the code gave it. */
  readonly name: string
  readonly class: EffectClass
  /** What it was given; absent where that is nothing, or more than 16 KiB. */
  readonly input?: Json
  /** The idempotency key that its function was given, under which the service outside may know it. */
  readonly key?: string
  /** ISO text. */
  readonly since: string
}

export async function uncertainEffects(
  { parts: { steps } }: OrchestraHost,
  user: UserId,
  run: string,
): Promise<readonly UncertainEffectOfRun[]> {
  const listed = (await steps.uncertain(user)).flatMap(({ step: journal, ...effect }) => {
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
  const { steps, storage } = host.parts
  await host.row(user, run)
  const journal = stepJournal(run, step)
  const amended = await steps.resolveEnded(user, journal, call, resolution)
  if (!amended) {
    const resolved = steps.resolve(user, journal, call, resolution)
    return host.submit(user, run, { type: 'step.resumed', step }, options, resolved)
  }
  const result = await storage.commit({ id: null, scope: { user }, ...amended })
  if (!result.ok) throw failure(result.code, { ...result.detail })
}
