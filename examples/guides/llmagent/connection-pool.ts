/** Many requests over few connections that stay open; each has its own outcome. */
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'

/** At most 100 connections, 20 to one host, kept for a minute. */
export const connections = () => new Agent({ keepAlive: true, maxTotalSockets: 100, maxSockets: 20, timeout: 60_000 })

export const fetchUrl = (agent: Agent, url: string) =>
  new Promise<{ url: string; status: 'success' | 'error'; data?: unknown; error?: string }>((resolve) => {
    const failed = (error: Error) => resolve({ url, status: 'error', error: error.message })
    get(url, { agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      response.on('error', failed).on('end', () => {
        try {
          resolve({ url, status: 'success', data: JSON.parse(body) })
        } catch (error) {
          failed(error as Error)
        }
      })
    }).on('error', failed)
  })

export const makeMultipleRequests = (agent: Agent, urls: readonly string[]) =>
  Promise.all(urls.map((url) => fetchUrl(agent, url)))

export async function main() {
  let opened = 0
  const server = createServer((request, response) => {
    if (request.url === '/broken') response.end('no JSON')
    else setTimeout(() => response.end(JSON.stringify({ path: request.url })), 2)
  }).on('connection', () => opened++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const agent = connections()
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const urls = Array.from({ length: 100 }, (_, i) => `${base}/${i}`)
    const results = await makeMultipleRequests(agent, [...urls, `${base}/broken`, 'http://127.0.0.1:1/'])
    const of = (status: string) => results.filter((result) => result.status === status).length
    return { succeeded: of('success'), failed: of('error'), connections: opened }
  } finally {
    agent.destroy()
    server.close()
  }
}

if (import.meta.main) console.log(await main())
