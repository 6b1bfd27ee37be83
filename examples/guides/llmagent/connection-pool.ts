/** Many requests over few connections that stay open; each has its own outcome. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTroupe } from 'troupe'

type Outcome = { readonly url: string; readonly data: unknown } | { readonly url: string; readonly error: string }

export async function main() {
  let opened = 0
  const server = createServer((request, response) => {
    if (request.url === '/broken') response.end('no JSON')
    else setTimeout(() => response.end(JSON.stringify({ path: request.url })), 2)
  }).on('connection', () => opened++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    // At most 20 connections to one host, each open for a minute: the defaults.
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      egress: { allow: [host, '127.0.0.1:1'] },
    })
    const fetchUrl = async (url: string): Promise<Outcome> => {
      try {
        return { url, data: await (await troupe.egress.fetch(url)).json() }
      } catch (error) {
        return { url, error: (error as Error).message }
      }
    }
    const urls = Array.from({ length: 100 }, (_, i) => `http://${host}/${i}`)
    const outcomes = await Promise.all([...urls, `http://${host}/broken`, 'http://127.0.0.1:1/'].map(fetchUrl))
    const failed = outcomes.filter((outcome) => 'error' in outcome).length
    return { succeeded: outcomes.length - failed, failed, connections: opened }
  } finally {
    server.close()
  }
}

if (import.meta.main) console.log(await main())
