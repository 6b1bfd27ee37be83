/** To a server, over a socket. */
import { CliError, exitCodes } from '../exit-codes.ts'
import type { Transport } from './api.ts'

export function remoteTransport(url: string): Transport {
  const base = new URL(url)
  return {
    place: base.origin,
    remote: true,
    async send({ url: path, ...request }, signal) {
      const answer = await fetch(new URL(path, base), { ...request, signal, redirect: 'error' }).catch(
        (error: Error & { readonly cause?: { readonly message?: string } }) => {
          if (signal.aborted) throw error
          throw new CliError(`${base.origin} cannot be reached: ${error.cause?.message || error.message}.`, {
            exit: exitCodes.unavailable,
            code: 'server.unreachable',
            hint: 'Is it running? `troupe serve` starts one; --url and TROUPE_URL say where it is.',
          })
        },
      )
      return { status: answer.status, body: answer.body ?? nothing() }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
