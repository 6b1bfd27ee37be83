/** Puts an effect on the list of the uncertain, and takes it off, with the next append of its step. */
import type { CallId } from './call-identity.ts'
import type { Life } from './life.ts'
import { entryText } from './log-entry.ts'

export function markUncertain(life: Life, id: CallId, effect: string): void {
  const { spec } = life.options.host
  const row = life.options.uncertain.add(spec.principal.userId, spec.id, id, effect)
  life.appender.add(entryText({ t: 'uncertain', id }), row)
  life.appender.flush()
}

/** What was asked knows by now. */
export function forgetUncertain(life: Life, id: CallId): void {
  const { spec } = life.options.host
  life.appender.addFragment(life.options.uncertain.remove(spec.principal.userId, spec.id, id))
}
