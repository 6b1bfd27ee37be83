/** Pages of other origins in a real browser: those that are named may call the server with a key, and no others. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

/** A page of somebody else's, on an origin of its own. */
async function foreignPage(): Promise<{ readonly origin: string; readonly server: Server }> {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>foreign</title>'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

describeInBrowser('a page of another origin', (testbed) => {
  let troupe: Troupe
  let served: Served
  let key = ''
  const foreign: Awaited<ReturnType<typeof foreignPage>>[] = []

  beforeAll(async () => {
    foreign.push(await foreignPage(), await foreignPage())
    const echo = defineAgent({ name: 'Echo', run: async (input) => ({ received: input }) })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo] })
    const origins = [foreign[0]?.origin ?? '']
    served = await testbed.serve(troupe, { origins, rateLimit: { max: 20 } })
    key = (await troupe.apiKeys.create({ name: 'page', users: ['ada'] })).key
  })
  afterAll(async () => {
    for (const { server } of foreign) server.close()
  })

  const at = async (origin: string | undefined): Promise<Page> => {
    const page = await testbed.open()
    // Signed in to our page in the same browser: what a foreign one could try to make use of.
    await page.goto(await served.link())
    await page.goto(origin ?? '')
    return page
  }
  interface Asked {
    readonly url: string
    readonly method?: string
    readonly key?: string
    readonly body?: unknown
    readonly credentials?: 'include' | 'omit'
    readonly times?: number
  }
  /** `blocked`: the browser lets the page see nothing. */
  const ask = (page: Page, asked: Asked) =>
    page.evaluate(async ({ url, method = 'GET', key: shown, body, credentials = 'omit', times = 1 }: Asked) => {
      let last: unknown
      for (let i = 0; i < times; i++)
        last = await fetch(url, {
          method,
          credentials,
          headers: {
            ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': 'once' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }).then(
          async (answer) => ({
            status: answer.status,
            location: answer.headers.get('location'),
            retryAfter: answer.headers.get('retry-after'),
            body: await answer.json().catch(() => undefined),
          }),
          () => 'blocked',
        )
      return last as
        | 'blocked'
        | { status: number; location: string | null; retryAfter: string | null; body: { code?: string; run?: string } }
    }, asked)

  test('A page of an allowed origin starts a run with a key, after a preflight, and reads the answer.', async () => {
    const page = await at(foreign[0]?.origin)
    const url = `${served.url}/v1/runs`
    const begun = await ask(page, { url, method: 'POST', key, body: { agent: 'Echo', task: 1 } })
    expect(begun).toMatchObject({ status: 201, location: expect.stringContaining('/v1/runs/') })
    const anonymous = await ask(page, { url })
    expect(anonymous).toMatchObject({ status: 401, body: { code: 'request.anonymous' } })
  })

  test('A page of an allowed origin follows a stream.', async () => {
    const page = await at(foreign[0]?.origin)
    const run = await troupe.user('ada').orchestra.list({ limit: 1 })
    const text = await page.evaluate(
      async ({ url, shown }) =>
        (await fetch(url, { headers: { authorization: `Bearer ${shown}` } })).text().catch(String),
      { url: `${served.url}/v1/runs/${run.items[0]?.id}/events`, shown: key },
    )
    expect(text).toContain('event: run.completed')
  })

  test('A page of another origin reads nothing and starts nothing.', async () => {
    const before = (await troupe.user('ada').orchestra.list()).items.length
    const page = await at(foreign[1]?.origin)
    const url = `${served.url}/v1/runs`
    expect(await ask(page, { url, key })).toBe('blocked')
    expect(await ask(page, { url, method: 'POST', key, body: { agent: 'Echo', task: 2 } })).toBe('blocked')
    expect((await troupe.user('ada').orchestra.list()).items).toHaveLength(before)
  })

  test('A page of another origin gets nothing by the session of the person at the browser.', async () => {
    for (const { origin } of foreign) {
      const page = await at(origin)
      expect(await ask(page, { url: `${served.url}/v1/runs`, credentials: 'include' })).toBe('blocked')
      // What a form of another page may send without a preflight.
      const sent = { method: 'POST', mode: 'no-cors', credentials: 'include' } as const
      await page.evaluate(([url, init]) => fetch(url, init).then(String, String), [
        `${served.url}/v1/runs`,
        sent,
      ] as const)
    }
    const users = await troupe.user('default').orchestra.list()
    expect(users.items).toEqual([])
  })

  test('A page of an allowed origin learns that it asks too often, and when to retry.', async () => {
    const page = await at(foreign[0]?.origin)
    const asked = await ask(page, { url: `${served.url}/v1/agents`, key, times: 25 })
    expect(asked).toMatchObject({ status: 429, body: { code: 'rate.limited' } })
    expect(Number((asked as { retryAfter: string }).retryAfter)).toBeGreaterThan(0)
  })

  test('The server sends headers that prevent framing, sniffing and leaking.', async () => {
    const answer = await fetch(served.url)
    const header = (name: string) => answer.headers.get(name)
    expect(header('content-security-policy')).toContain("frame-ancestors 'none'")
    expect([header('x-content-type-options'), header('x-frame-options'), header('referrer-policy')]).toEqual([
      'nosniff',
      'SAMEORIGIN',
      'no-referrer',
    ])
    const framed = await testbed.open()
    await framed.goto(foreign[0]?.origin ?? '')
    await framed.setContent(`<iframe src="${served.url}/"></iframe>`)
    const [, inner] = framed.frames()
    expect(await inner?.title().catch(() => '')).not.toContain('Troupe')
  })
})
