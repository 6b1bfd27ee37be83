/** The page of the run: served while it goes on and afterwards, opened by a link that works once. */
import { once } from 'node:events'
import { type Troupe, TroupeError } from 'troupe'
import { type Served, serve } from 'troupe/server'

/** Where it listens unless somebody else does. */
const usual = 8_000

export async function servePage(troupe: Troupe): Promise<Served> {
  try {
    return await serve(troupe, { port: usual, authentication: 'required' })
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== 'server.address_in_use') throw error
    return serve(troupe, { port: 0, authentication: 'required' })
  }
}

/** To what this user does, and nothing else. */
export async function linkTo(page: Served, user: string, run: string): Promise<string> {
  return `${await page.link({ users: [user], role: 'admin' })}#/runs/${run}`
}

/** @param onEnter whenever the person at the terminal presses Enter */
export async function untilAborted(signal: AbortSignal, onEnter: () => Promise<unknown>): Promise<void> {
  if (signal.aborted) return
  const listen = () => void onEnter().catch(() => {})
  process.stdin.on('data', listen)
  await once(signal, 'abort')
  process.stdin.off('data', listen).pause()
}
