/** To a server, over a socket. */
import { commandFailure, exitCodes, misused } from '../exit-codes.ts'
import type { Transport } from './api.ts'

/** @throws CliError for what is no address of a server */
export function remoteTransport(url: string): Transport {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw misused(`${url} is no address of a server.`, '--url and TROUPE_URL take one such as http://127.0.0.1:8000.')
  const base = new URL(url)
  // It may be mounted below a path.
  const root = base.pathname.replace(/\/+$/, '')
  return {
    location: base.origin,
    remote: true,
    async send({ url: path, ...request }, signal) {
      const answer = await fetch(new URL(root + path, base), { ...request, signal, redirect: 'error' }).catch(
        (error: Error & { readonly cause?: { readonly message?: string } }) => {
          if (signal.aborted) throw error
          const problem = error.cause?.message || error.message
          throw commandFailure('server.unreachable', exitCodes.unavailable, { server: base.origin, problem })
        },
      )
      return { status: answer.status, body: answer.body ?? nothing() }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
