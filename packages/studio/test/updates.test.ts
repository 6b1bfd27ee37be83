/** Live updates in a real browser: one stream for all views, lists that follow it, and what the reader sees without it. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import { createTroupe, defineAgent, finish, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describeInBrowser('The updates of the studio', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page
  /** Paths of requests, with their queries. */
  const requests: string[] = []
  /** Streams of updates that are open now. */
  let openStreams = 0
  let maxOpenStreams = 0

  const go = async (path: string, name: string) => {
    await page.goto(`${server.url}/#/${path}`)
    await page.getByRole('heading', { level: 1, name }).waitFor()
  }
  const requestsOf = (path: string) => requests.filter((one) => one.startsWith(path)).length
  const listPaths = ['/v1/runs', '/v1/approvals', '/v1/usage/history', '/v1/operations/runs']
  const listRequests = () => listPaths.reduce((sum, path) => sum + requestsOf(path), 0)
  const status = () => page.getByRole('status', { name: 'Updates' })

  beforeAll(async () => {
    const echo = defineAgent<string, string>({ name: 'Echo', run: async (task) => task })
    const asking = defineAgent({ name: 'Asking', run: async (_, ctx) => finish(await ctx.ask({ text: 'Who?' })) })
    // A busy machine is no change of health.
    const health = { lag: '1m', memory: 1, disk: 1 } as const
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo, asking], health })
    server = await testbed.serve(troupe)
    page = await testbed.open()
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url())
      requests.push(pathname + search)
      if (pathname === '/v1/updates') maxOpenStreams = Math.max(maxOpenStreams, ++openStreams)
    })
    const ended = (request: { url(): string }) => {
      if (new URL(request.url()).pathname === '/v1/updates') openStreams--
    }
    page.on('requestfinished', ended)
    page.on('requestfailed', ended)
    await page.goto(await server.link())
    await status().getByText('live').waitFor()
  })

  test('A page holds one stream over all of its views, and asks for no list while nothing changes.', async () => {
    for (const [path, name] of [
      ['runs', 'Runs'],
      ['context', 'Context'],
      ['schedules', 'Schedules'],
      ['usage', 'Usage'],
      ['messages', 'Messages'],
      ['home', 'Home'],
    ] as const)
      await go(path, name)
    await pause(1_500)
    const before = listRequests()
    await pause(6_000)
    expect(listRequests()).toBe(before)
    expect([requestsOf('/v1/updates'), maxOpenStreams]).toEqual([1, 1])
  })

  test('Home shows a change of health by itself, and asks for nothing while nothing changes.', async () => {
    let isOpen = true
    const remove = troupe.healthMonitor.register('shop', () => isOpen, { critical: false })
    await go('runs', 'Runs')
    await go('home', 'Home')
    const shop = page.getByRole('region', { name: 'Health' }).getByRole('listitem').filter({ hasText: 'shop' })
    await shop.getByText('healthy', { exact: true }).waitFor()
    // The first notice is about the new check.
    await pause(11_000)
    const before = requestsOf('/v1/health')
    const all = requests.length
    await pause(16_000)
    expect(requests.slice(all)).toEqual([])
    isOpen = false
    await shop.getByText('unhealthy', { exact: true }).waitFor({ timeout: 15_000 })
    expect(requestsOf('/v1/health')).toBe(before + 1)
    remove()
  })

  test('Home shows the tokens of a run in progress by itself.', async () => {
    const [begins, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const model = new MockModel({ responses: [{ text: 'done', usage: { inputTokens: 4_000, outputTokens: 321 } }] })
    const agents = [
      defineAgent({ name: 'First', run: () => begins.promise }),
      new LlmAgent({ name: 'Writer', model }),
      defineAgent({ name: 'Last', run: () => ends.promise }),
    ]
    const flows = ['Start -> First', 'First -> Writer', 'Writer -> Last', 'Last -> End']
    await go('home', 'Home')
    const { orchestra } = troupe.user('default')
    const run = await orchestra.start({ task: 'long work', topology: { agents, flows } })
    const row = page.getByRole('region', { name: 'In progress' }).getByRole('row', { name: /long work/ })
    await row.waitFor()
    const tokens = row.getByRole('cell', { name: '4,321' })
    expect(await tokens.count()).toBe(0)
    begins.resolve()
    await tokens.waitFor()
    ends.resolve()
    await run.result()
  })

  test('Runs, questions, entries and schedules appear by themselves, and an answer given elsewhere too.', async () => {
    const { orchestra, context, schedules } = troupe.user('default')
    await go('home', 'Home')
    const run = await orchestra.start({ id: 'asks', agent: 'Asking', task: 'find an owner' })
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    await waiting.getByText('Who?').waitFor()
    const { questions } = await run.result()
    await run.answer(questions[0]?.id as string, 'Ada')
    await waiting.getByText('Nothing waits for a person.').waitFor()
    await page
      .getByRole('row', { name: /find an owner/ })
      .getByText('completed')
      .waitFor()
    await go('runs', 'Runs')
    await orchestra.run({ agent: 'Echo', task: 'a later letter' })
    await page.getByRole('link', { name: 'a later letter' }).waitFor()
    await go('context', 'Context')
    await context.push('letters.draft', 1)
    await page.getByRole('link', { name: 'letters.draft' }).click()
    await page
      .getByText(/^version 1 /)
      .first()
      .waitFor()
    await context.push('letters.draft', 2)
    await page
      .getByText(/^version 2 /)
      .first()
      .waitFor()
    await go('schedules', 'Schedules')
    await schedules.create({ id: 'nightly', agent: 'Echo', task: 'x', every: '1d' })
    await page.getByText('nightly').first().waitFor()
    expect([requestsOf('/v1/updates'), maxOpenStreams]).toEqual([1, 1])
  })

  test('A question of a session appears by itself, and goes when it is answered elsewhere.', async () => {
    const ask = defineAgent({ name: 'Host', run: async (_, ctx) => ctx.ask({ text: 'How many?' }) })
    const session = troupe.user('default').session(ask, { threadId: 'table' })
    await go('home', 'Home')
    await page.getByRole('region', { name: 'Last 24 hours' }).waitFor()
    await session.generate('a table')
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    await waiting.getByText('How many?').waitFor({ timeout: 5_000 })
    const [question] = await session.questions()
    await session.answer(question?.id ?? '', '4')
    await waiting.getByText('It waits no longer').waitFor({ timeout: 5_000 })
  })

  test('The charts and the runs of all users are asked for again when a run of some user has changed.', async () => {
    await go('home', 'Home')
    await page.getByRole('region', { name: 'Last 24 hours' }).waitFor()
    await pause(1_000)
    const [charts, ofAll] = [requestsOf('/v1/usage/history'), requestsOf('/v1/operations/runs')]
    await troupe.user('ben').orchestra.run({ agent: 'Echo', task: 'of another user' })
    await expect.poll(() => requestsOf('/v1/operations/runs'), { timeout: 30_000 }).toBeGreaterThan(ofAll)
    await troupe.user('default').orchestra.run({ agent: 'Echo', task: 'of the shown user' })
    await expect.poll(() => requestsOf('/v1/usage/history'), { timeout: 30_000 }).toBeGreaterThan(charts)
  })

  test('Many changes ask for a list at most twice a second, and for the charts at most every 10 s.', async () => {
    await go('home', 'Home')
    await pause(1_000)
    const before = requestsOf('/v1/approvals')
    const charts = requestsOf('/v1/usage/history')
    const began = performance.now()
    while (performance.now() - began < 4_000)
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          troupe.user('default').orchestra.run({ agent: 'Echo', task: `many ${i}` }),
        ),
      )
    await pause(1_500)
    const seconds = (performance.now() - began) / 1_000
    const asked = requestsOf('/v1/approvals') - before
    expect(asked).toBeGreaterThan(2)
    expect(asked).toBeLessThanOrEqual(seconds * 2 + 1)
    expect(requestsOf('/v1/usage/history') - charts).toBeLessThanOrEqual(seconds / 10 + 1)
  })

  test('A page that lost its server says so, connects again by itself, and shows what changed meanwhile.', async () => {
    await go('runs', 'Runs')
    const { port } = new URL(server.url)
    await server.close()
    await status().getByText('disconnected: trying again').waitFor()
    // All of it stands within the side of the page.
    const rightOf = (locator: Locator) => locator.evaluate((element) => element.getBoundingClientRect().right)
    expect(await rightOf(status().locator('.status'))).toBeLessThanOrEqual(await rightOf(page.locator('.side')))
    const { violations } = await new AxeBuilder({ page: page as never }).analyze()
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
    await troupe.user('default').orchestra.run({ agent: 'Echo', task: 'while it was away' })
    await pause(2_000)
    server = await testbed.serve(troupe, { port: Number(port) })
    await status().getByText('live').waitFor()
    await page.getByRole('link', { name: 'while it was away' }).waitFor()
    expect(maxOpenStreams).toBe(1)
  })

  test('A page whose session may not follow the updates says so, and asks every 15 s.', async () => {
    const other = await testbed.open()
    await other.route('**/v1/updates?*', (route) =>
      route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"code":"request.forbidden"}' }),
    )
    await other.goto(await server.link())
    await other.getByRole('status', { name: 'Updates' }).getByText('not live').waitFor()
    await troupe.user('default').orchestra.run({ agent: 'Echo', task: 'found by asking' })
    await other.getByRole('link', { name: 'found by asking' }).first().waitFor({ timeout: 30_000 })
    await other.context().close()
  })
})
