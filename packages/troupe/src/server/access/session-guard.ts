/**
 * Checks the callers of open streams again while the streams last. A stream ends if its key is revoked or expires, or if its
 * reader accepts no data.
 */
import type { ServerResponse } from 'node:http'
import { type Cancel, type Clock, hashText } from '../../core/index.ts'
import type { SessionGuard } from '../site.ts'
import { admittedOf } from './admit.ts'
import { type Authenticate, shownBy } from './authenticate.ts'

const maxTracked = 1_000

/**
 * Checks once for all streams of a key, token or session. Two tokens of one user may expire at different times.
 * @param forMs the maximal age of a cached answer
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
      // If the storage or the issuer of tokens fails, the state of the key is unknown; the check is repeated.
      () => true,
    )
    asked.set(name, { at: now, isSessionValid })
    return isSessionValid
  }
}

/**
 * Guards a stream that other code writes.
 * @param gone called once the caller may not continue
 * @returns a function that ends the checks
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
 * Ends the stream of a reader that has accepted no data for the given time, since its pending data is held in memory.
 * @returns a function that ends the checks
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
