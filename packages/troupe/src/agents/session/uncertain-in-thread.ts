/** The effects of a thread whose outcome is unknown after a crash, and their resolution. */
import { checkOptionNames, checkText, failure, type Json, type UserId } from '../../core/index.ts'
import type { EffectClass, JournalId, Resolution, UncertainEffect } from '../../journal/index.ts'
import { committed } from '../../storage/index.ts'
import { approvalClosed, type SessionOptions } from './session-parts.ts'

/** An effect of a thread that may have happened or not. A person finds out and resolves it. */
export interface UncertainEffectOfSession {
  /** The id of the step in the thread. */
  readonly step: string
  /** The id of the call within its step. */
  readonly call: string
  /** The name of its tool, or the name that the code gave it. */
  readonly name: string
  /** The effect class. */
  readonly class: EffectClass
  /** Its input; absent if it has none, or if it is larger than 16 KiB. */
  readonly input?: Json
  /** The idempotency key that its function got. The external service may know the effect by it. */
  readonly key?: string
  /** The time at which the effect began, as ISO 8601 text. */
  readonly since: string
  /** Why its outcome is unknown, such as an answer that never came; absent after a crash. */
  readonly problem?: string
}

/** The fields of an uncertain effect, which `resolve` accepts as it was listed. */
export const uncertainFields = ['step', 'call', 'name', 'class', 'input', 'key', 'since', 'problem'] as const

export async function uncertainInThread(
  { steps, user }: Pick<SessionOptions, 'steps' | 'user'>,
  thread: string,
): Promise<readonly UncertainEffectOfSession[]> {
  const listed = await steps.uncertain.list(user)
  return withRecords(
    steps,
    user,
    listed.filter(({ step }) => sessionThreadOf(step) === thread),
  )
}

/** Returns uncertain effects outside of runs with what their steps have recorded of them. */
export async function withRecords(
  steps: Pick<SessionOptions['steps'], 'effects'>,
  user: UserId,
  listed: readonly UncertainEffect[],
): Promise<readonly UncertainEffectOfSession[]> {
  const found: UncertainEffectOfSession[] = []
  for (const { step, call, effect, since } of listed) {
    const recorded = (await steps.effects(user, step)).find((each) => each.call === call)
    found.push({
      step,
      call,
      name: /^(.+) \d+\.\d+$/s.exec(effect)?.[1] ?? effect,
      class: recorded?.class ?? 'at-most-once',
      ...(recorded?.input === undefined ? {} : { input: recorded.input }),
      ...(recorded?.key === undefined ? {} : { key: recorded.key }),
      since: new Date(since).toISOString(),
      ...(recorded?.problem === undefined ? {} : { problem: recorded.problem }),
    })
  }
  return found
}

/**
 * Records the outcome of an effect.
 * @returns whether its step can continue: it has not ended, and no other effect of it is uncertain
 * @throws ConflictError `effect.resolved`; ValidationError
 */
export async function resolveInThread(
  options: Pick<SessionOptions, 'user' | 'steps' | 'storage' | 'services' | 'audit' | 'threadId'>,
  thread: string,
  effect: Pick<UncertainEffectOfSession, 'step' | 'call'>,
  resolution: Resolution,
): Promise<boolean> {
  checkOptionNames('session.resolve', effect, uncertainFields)
  const { step, call } = effect
  for (const [name, text] of Object.entries({ step, call })) checkText(`session.resolve.${name}`, text)
  if (sessionThreadOf(step) !== thread) throw failure('effect.resolved', { effect: call, step })
  const { user, steps, storage, audit, threadId } = options
  const amended = await steps.resolveEnded(user, step, call, resolution)
  const resolved = amended ?? steps.resolve(user, step, call, resolution)
  const entry = { actor: 'host', operation: 'session.resolve', resource: threadId }
  const statements = [...resolved.statements, ...(audit?.written(user, entry) ?? [])]
  await committed(storage, { id: null, scope: { user }, ...resolved, statements })
  approvalClosed(options, thread)
  if (amended) return false
  return (await uncertainInThread(options, thread)).every((other) => other.step !== step)
}

const prefix = 'session:'

/** Returns the id of the thread of a step of a session; undefined for other steps. */
export function sessionThreadOf(step: JournalId): string | undefined {
  const at = step.lastIndexOf('#')
  return step.startsWith(prefix) && /^\d+$/.test(step.slice(at + 1)) ? step.slice(prefix.length, at) : undefined
}
