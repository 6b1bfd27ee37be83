/** The transport to a server, over a socket. */
import { misused } from '../exit-codes.ts'
import type { Transport } from './cli-client.ts'

/** @throws CliError if the text is not an address of a server */
export function remoteTransport(url: string): Transport {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw misused(
      `${url} is not an address of a server.`,
      '--url and TROUPE_URL take one such as http://127.0.0.1:8000.',
    )
  const { origin, pathname } = new URL(url)
  return {
    location: origin,
    remote: true,
    url: origin + pathname,
    fetch: (address, init) => fetch(address, init),
    async [Symbol.asyncDispose]() {},
  }
}
