/**
 * Whoever follows a stream is looked at again while it lasts: a key that is revoked or over ends what it opened, and so
 * does a reader that takes nothing.
 */
import type { ServerResponse } from 'node:http'
import { type Cancel, type Clock, hashText } from '../../core/index.ts'
import type { SessionGuard } from '../site.ts'
import { admittedOf } from './admit.ts'
import { type Authenticate, shownBy } from './authenticate.ts'

const maxTracked = 1_000

/**
 * Asked once for all streams of a key, of a token or of a session: two tokens of one user end at different times.
 * @param forMs an answer is not older than this
 */
export function createSessionGuard(authenticate: Authenticate, clock: Clock, forMs: number): SessionGuard {
  const asked = new Map<string, { readonly at: number; readonly isSessionValid: Promise<boolean> }>()
  return (request) => {
    const { kind, id } = admittedOf(request).principal
    if (kind === 'local') return Promise.resolve(true)
    const name = hashText(shownBy(request) ?? '')
    const now = clock.monotonic()
    const known = asked.get(name)
    if (known && now - known.at < forMs) return known.isSessionValid
    if (asked.size >= maxTracked) asked.clear()
    const isSessionValid = authenticate(request).then(
      (found) => found?.kind === kind && found.id === id,
      // A storage that fails says nothing of the key; it is asked again.
      () => true,
    )
    asked.set(name, { at: now, isSessionValid })
    return isSessionValid
  }
}

/**
 * For a stream that somebody else writes.
 * @param gone called once whoever follows it may not stay
 * @returns ends the looking
 */
export function recheckPeriodically(
  clock: Clock,
  everyMs: number,
  isSessionValid: () => Promise<boolean>,
  gone: () => void,
): Cancel {
  let cancel: Cancel = () => {}
  const check = () => {
    cancel = clock.after(everyMs, check, { background: true })
    void isSessionValid().then((does) => {
      if (does) return
      cancel()
      gone()
    })
  }
  cancel = clock.after(everyMs, check, { background: true })
  return () => cancel()
}

/**
 * For such a stream too: lets go of a reader that takes nothing for so long, for what is to be told waits in memory.
 * @returns ends the looking
 */
export function cutStalled(response: ServerResponse, clock: Clock, stalledMs: number): Cancel {
  let since: number | undefined
  const onDrain = () => {
    since = undefined
  }
  let cancel: Cancel = () => {}
  const check = () => {
    const now = clock.monotonic()
    since = response.writableNeedDrain ? (since ?? now) : undefined
    if (since !== undefined && now - since >= stalledMs) return void response.destroy()
    cancel = clock.after(stalledMs / 6, check, { background: true })
  }
  response.on('drain', onDrain)
  check()
  return () => {
    cancel()
    response.off('drain', onDrain)
  }
}
