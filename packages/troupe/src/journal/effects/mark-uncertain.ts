/** Adds an effect to the list of uncertain effects, or removes it, with the next append of its step; and what the list shows. */
import type { EffectSpec } from '../effect-port.ts'
import type { CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import type { EffectClaim } from '../replay/step-record.ts'
import type { Execution } from '../steps/execution.ts'

const shownInputCharacters = 16 * 1024

/** @param problem why its outcome is unknown; undefined after a crash */
export function markUncertain(
  { execution, id, name }: { readonly execution: Execution; readonly id: CallId; readonly name: string },
  claim: EffectClaim,
  problem: string | undefined,
): void {
  const { spec } = execution
  claim.uncertain = true
  const row = execution.options.uncertain.add(spec.principal.userId, spec.id, id, name)
  execution.buffer.add(entryText({ t: 'uncertain', id, ...(problem === undefined ? {} : { p: problem }) }), row)
  execution.buffer.want()
}

/** Removes an effect whose outcome is known. A resolution that arrives later has no effect. */
export function forgetUncertain(execution: Execution, id: CallId, claim: EffectClaim): void {
  const { spec } = execution
  claim.uncertain = false
  execution.buffer.addFragment(execution.options.uncertain.remove(spec.principal.userId, spec.id, id))
}

/** Returns the input that a person needs to find out the outcome of an effect; more than 16 KiB is omitted. */
export function shownInput<Out>({ class: effectClass, input }: EffectSpec<Out>): { readonly i?: unknown } {
  if (effectClass !== 'at-most-once' || input === undefined) return {}
  return JSON.stringify(input).length > shownInputCharacters ? {} : { i: input }
}
