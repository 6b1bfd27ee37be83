/**
 * The previous attempts of a message: its own ones, and the batch that failed or was interrupted. An effect with an
 * explicit key that was executed in one of them is not repeated.
 */
import type { JournalId, RecordedEffect, Steps } from '../../journal/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { DeliveryHandle } from './delivery-handle.ts'
import { failedRetentionMs, handledStep } from './handled-step.ts'

/** The number of attempts whose journals are read, and deleted after a success. Earlier journals end with their retention. */
const maxCheckedAttempts = 50

/** Effects that earlier attempts have done, or begun with an unknown outcome, by name and key: `name[key]`. */
export type PreviousEffects = ReadonlyMap<string, RecordedEffect>

export interface PreviousAttemptsParts {
  readonly user: string
  readonly steps: Pick<Steps, 'effects' | 'abandon' | 'retainEnded' | 'dropUncertain'>
  readonly retentionMs: number
}

export class PreviousAttempts {
  readonly #parts: PreviousAttemptsParts

  constructor(parts: PreviousAttemptsParts) {
    this.#parts = parts
  }

  /**
   * Returns the effects that must not be repeated, by name. It reads all previous attempts, because an attempt that failed early
   * has no records of the effects of earlier ones. An unknown outcome counts after an interrupted batch only: of a dead letter,
   * the redrive decides.
   */
  async effects(deliveries: readonly DeliveryHandle[]): Promise<PreviousEffects> {
    const [delivery] = deliveries
    if (!delivery || deliveries.length > 1) return new Map()
    const { batch } = delivery
    const before = [...(batch ? [batch.step] : []), ...previousAttempts(delivery)]
    const { user, steps } = this.#parts
    const effectsByAttempt = await Promise.all(before.map((step) => steps.effects(user, step)))
    return new Map(
      effectsByAttempt
        .flat()
        .filter(
          (effect) =>
            mayNotRepeat(effect) && (effect.state === 'done' || (delivery.failures === 0 && isUnclear(effect))),
        )
        .map((effect) => [effect.name, effect]),
    )
  }

  /**
   * Lets a message whose interrupted batch is incomplete leave the batch, which is then not continued.
   * @returns why this is impossible, if the effects of the batch cannot be assigned to messages
   */
  async leaveBatch(delivery: DeliveryHandle): Promise<string | undefined> {
    const { batch, failures } = delivery
    if (!batch || failures > 0) return undefined
    const { user, steps, retentionMs } = this.#parts
    if (!batch.released) await delivery.leaveBatch(steps.abandon(user, [batch.step], failedRetentionMs(retentionMs)))
    const effect = (await steps.effects(user, batch.step)).find(isUnassigned)
    if (!effect) return undefined
    const what = `the batch in which it was handled was interrupted and cannot continue: its effect ${effect.name}`
    return `${what} has no key that says for which of its messages it was`
  }

  /**
   * Deletes the previous attempts of the message. The journal of a batch stays until its retention, for its other
   * messages.
   */
  forget(delivery: DeliveryHandle): Fragment {
    const { user, steps, retentionMs } = this.#parts
    if (delivery.failures === 0) return { statements: [] }
    const before = previousAttempts(delivery)
    // Its redrive was the decision of a person about effects with an unknown outcome.
    const decided = steps.dropUncertain(user, [...(delivery.batch ? [delivery.batch.step] : []), ...before])
    return { statements: [...steps.retainEnded(user, before, retentionMs).statements, ...decided.statements] }
  }
}

const previousAttempts = ({ message: { id }, failures }: DeliveryHandle): readonly JournalId[] =>
  Array.from({ length: Math.min(failures, maxCheckedAttempts) }, (_, i) =>
    handledStep([{ id, failures: failures - 1 - i }]),
  )

const mayNotRepeat = (effect: RecordedEffect) => effect.class === 'at-most-once' || effect.class === 'idempotent'
/** Whether the code of the handler gave the effect a key. */
export const isKeyed = ({ name, key }: RecordedEffect) => key !== undefined && name.endsWith(`[${key}]`)
const isUnassigned = (effect: RecordedEffect) => mayNotRepeat(effect) && effect.state !== 'failed' && !isKeyed(effect)
/** An idempotent effect can be repeated under its key. */
const isUnclear = ({ class: effectClass, state }: RecordedEffect) =>
  effectClass === 'at-most-once' && (state === 'claimed' || state === 'uncertain')
