/** The transport to a database that does not exist: the first request without a wrong value creates it. */
import { exitCodes, exitOfStatus } from '../exit-codes.ts'
import type { Transport } from './cli-client.ts'

/**
 * Sends each request to `rehearsal`, until one of them has no wrong value. Then it opens the storage, and sends it this
 * request and all later ones.
 * @param rehearsal an empty troupe in memory, whose answer to a wrong value is that of an empty database; a closed one
 * rejects values that are wrong in each database, and does nothing
 */
export function untilAccepted(rehearsal: Transport, open: () => Promise<Transport>): Transport {
  let opening: Promise<Transport> | undefined
  return {
    location: rehearsal.location,
    remote: false,
    url: '',
    async fetch(url, init) {
      if (!opening) {
        const answer = await rehearsal.fetch(url, init)
        if (exitOfStatus(answer.status) === exitCodes.usage) return answer
        await answer.arrayBuffer()
        opening ??= open()
      }
      return (await opening).fetch(url, init)
    },
    async [Symbol.asyncDispose]() {
      await rehearsal[Symbol.asyncDispose]()
      // The failure to open is that of the request.
      await (await opening?.catch(() => undefined))?.[Symbol.asyncDispose]()
    },
  }
}
