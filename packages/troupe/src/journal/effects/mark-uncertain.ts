/** Adds an effect to the list of uncertain effects, or removes it, with the next append of its step. */
import type { CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import type { Execution } from '../steps/execution.ts'

export function markUncertain(execution: Execution, id: CallId, effect: string): void {
  const { spec } = execution
  const row = execution.options.uncertain.add(spec.principal.userId, spec.id, id, effect)
  execution.buffer.add(entryText({ t: 'uncertain', id }), row)
  execution.buffer.want()
}

/** Removes an effect whose outcome is known. */
export function forgetUncertain(execution: Execution, id: CallId): void {
  const { spec } = execution
  execution.buffer.addFragment(execution.options.uncertain.remove(spec.principal.userId, spec.id, id))
}
