/**
 * Whoever follows a stream is looked at again while it lasts: a key that is revoked or over ends what it opened, and so
 * does a reader that takes nothing.
 */
import type { ServerResponse } from 'node:http'
import { type Cancel, type Clock, hashText } from '../core/index.ts'
import { admittedOf } from './admit.ts'
import { type Authenticate, shownBy } from './authenticate.ts'
import type { Stays } from './site.ts'

const mostKept = 1_000

/**
 * Asked once for all streams of a key, of a token or of a session: two tokens of one user end at different times.
 * @param forMs an answer is not older than this
 */
export function createStays(authenticate: Authenticate, clock: Clock, forMs: number): Stays {
  const asked = new Map<string, { readonly at: number; readonly stays: Promise<boolean> }>()
  return (request) => {
    const { kind, id } = admittedOf(request).principal
    if (kind === 'local') return Promise.resolve(true)
    const name = hashText(shownBy(request) ?? '')
    const now = clock.monotonic()
    const known = asked.get(name)
    if (known && now - known.at < forMs) return known.stays
    if (asked.size >= mostKept) asked.clear()
    const stays = authenticate(request).then(
      (found) => found?.kind === kind && found.id === id,
      // A storage that fails says nothing of the key; it is asked again.
      () => true,
    )
    asked.set(name, { at: now, stays })
    return stays
  }
}

/**
 * For a stream that somebody else writes.
 * @param gone called once whoever follows it may not stay
 * @returns ends the looking
 */
export function lookAgain(clock: Clock, everyMs: number, stays: () => Promise<boolean>, gone: () => void): Cancel {
  let cancel: Cancel = () => {}
  const look = () => {
    cancel = clock.after(everyMs, look, { background: true })
    void stays().then((does) => {
      if (does) return
      cancel()
      gone()
    })
  }
  cancel = clock.after(everyMs, look, { background: true })
  return () => cancel()
}

/**
 * For such a stream too: lets go of a reader that takes nothing for so long, for what is to be told waits in memory.
 * @returns ends the looking
 */
export function cutStalled(response: ServerResponse, clock: Clock, stalledMs: number): Cancel {
  let since: number | undefined
  const took = () => {
    since = undefined
  }
  let cancel: Cancel = () => {}
  const look = () => {
    const now = clock.monotonic()
    since = response.writableNeedDrain ? (since ?? now) : undefined
    if (since !== undefined && now - since >= stalledMs) return void response.destroy()
    cancel = clock.after(stalledMs / 6, look, { background: true })
  }
  response.on('drain', took)
  look()
  return () => {
    cancel()
    response.off('drain', took)
  }
}
