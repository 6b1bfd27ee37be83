/** The session of this browser. Its routes are for this page alone, so the client of the API has none of them. */

/** How a person may sign in, and whether this browser has a session. */
export interface SessionState {
  readonly isPresent: boolean
  /** Whether people sign in at an OpenID provider too. */
  readonly provider: boolean
}

export async function readSession(signal: AbortSignal): Promise<SessionState> {
  return (await ask({ signal })).json() as Promise<SessionState>
}

/** @throws Error that says why the key opens no session */
export async function signIn(key: string): Promise<void> {
  // A header holds bytes only; a key has letters, digits, - and _.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new Error('This is no API key: it has letters that no key has.')
  await ask({ method: 'POST', headers: { 'x-api-key': key } })
}

export const signOut = async (): Promise<void> => void (await ask({ method: 'DELETE' }))

async function ask(init: RequestInit): Promise<Response> {
  const answer = await fetch('/session', init)
  if (answer.ok) return answer
  if (answer.status === 401) throw new Error('The key is not valid: it may have expired or been revoked.')
  const { detail } = (await answer.json().catch(() => ({}))) as { readonly detail?: string }
  throw new Error(detail ?? `The server answered ${answer.status}.`)
}
