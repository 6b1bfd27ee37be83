/** Home as a person leaves it open: nothing moves under the pointer, and each request is answered in place. */
import type { Page } from 'playwright-core'
import { defineAgent, defineMessage, ExternalServiceError, finish, LlmAgent, Worker } from 'troupe'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { readShifts, recordShifts, sumOfShifts } from './layout-shifts.ts'
import { createDeadLetter, type Played, play } from './studio-testbed.ts'

const asking = defineAgent({
  name: 'Payer',
  run: async (_, ctx) =>
    finish((await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args: { to: 'bob' } })) as never),
})
const Letter = defineMessage<string>('letter')
const cut = defineAgent({
  name: 'Sender',
  run: async (_, ctx) =>
    finish(
      (await ctx.effect('mail', { class: 'at-most-once', input: { to: 'Bob' } }, () => {
        throw new ExternalServiceError('The mail was cut off.', { code: 'outcome.unknown' })
      })) as never,
    ),
})

describeInBrowser('Home', (testbed) => {
  let played: Played
  let page: Page

  beforeAll(async () => {
    played = await testbed.use(play())
    page = await testbed.open()
    await recordShifts(page)
    await page.goto(await played.server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  const start = (task: string, agent: typeof asking) => played.troupe.user('default').orchestra.start({ task, agent })
  const waiting = () => page.getByRole('region', { name: 'Waiting for a person' })
  const requests = () => waiting().getByRole('group', { name: 'Question of Payer' })
  const shifts = () => readShifts(page)
  const waitUntilLoaded = async () => {
    await page.getByRole('region', { name: 'Health' }).getByText('queues').waitFor()
    await page
      .getByRole('region', { name: 'Doctor' })
      .getByText(/checks pass/)
      .waitFor()
    await expect.poll(() => page.getByText('Loading').count()).toBe(0)
    await page.waitForTimeout(500)
  }

  test('Home shifts its layout by less than 0.1 while it loads, and while requests arrive.', async () => {
    await waitUntilLoaded()
    const loaded = await shifts()
    expect(sumOfShifts(loaded), JSON.stringify(loaded)).toBeLessThan(0.1)
    await start('rent', asking)
    await requests().waitFor()
    await start('power', asking)
    await waiting().getByRole('button', { name: 'Show 1 new' }).waitFor()
    await waitUntilLoaded()
    const all = (await shifts()).slice(loaded.length)
    expect(sumOfShifts(all), JSON.stringify(all)).toBeLessThan(0.1)
    await page.reload()
    await requests().nth(1).waitFor()
    await waitUntilLoaded()
    const reloaded = await shifts()
    expect(sumOfShifts(reloaded), JSON.stringify(reloaded)).toBeLessThan(0.1)
  })

  test('Home shows the oldest request first, and moves none when another arrives.', async () => {
    const tasks = () => waiting().locator('li > p').getByRole('link').allInnerTexts()
    expect(await tasks()).toEqual(['rent', 'power'])
    await start('water', asking)
    await waiting().getByRole('button', { name: 'Show 1 new' }).click()
    expect(await tasks()).toEqual(['rent', 'power', 'water'])
  })

  test('Home keeps each answered request in its place until the reader leaves, so that nothing moves.', async () => {
    const tops = () =>
      waiting()
        .locator('li')
        .evaluateAll((items) => items.map((item) => item.getBoundingClientRect().top + scrollY))
    const before = await tops()
    const shiftsBefore = (await shifts()).length
    const answered = waiting().getByRole('group', { name: 'Answered: Payer' })
    for (const left of [2, 1, 0]) {
      await requests().first().getByRole('button', { name: 'Approve' }).click()
      await expect.poll(() => requests().count()).toBe(left)
      expect(await answered.count()).toBe(3 - left)
      expect(await tops()).toEqual(before)
    }
    expect(await answered.getByText('Answered: approved').count()).toBe(3)
    await waiting().getByText('Nothing waits for a person.').waitFor()
    expect(sumOfShifts((await shifts()).slice(shiftsBefore))).toBeLessThan(0.1)
    // The keyboard stays at the request that it has answered.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('LI')
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click()
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    await page.getByRole('navigation').getByRole('link', { name: 'Home' }).click()
    await waiting().getByText('Nothing waits for a person.').waitFor()
    expect(await answered.count()).toBe(0)
  })

  test('Home shows a request that was answered elsewhere, or whose run ended, as one that waits no longer.', async () => {
    const run = await start('gas', asking)
    await waiting().getByRole('link', { name: 'gas' }).waitFor()
    const later = await start('rent again', asking)
    await waiting().getByRole('button', { name: 'Show 1 new' }).click()
    await requests().nth(1).getByRole('button', { name: 'Refuse…' }).click()
    await requests().nth(1).getByLabel('Reason of the refusal').fill('not now')
    await run.cancel()
    await waiting().getByText('It waits no longer').waitFor()
    // The reason that is being written stays.
    expect(await requests().getByLabel('Reason of the refusal').inputValue()).toBe('not now')
    await requests().getByRole('button', { name: 'Refuse', exact: true }).click()
    await waiting().getByText('Answered: refused: not now').waitFor()
    await later.result()
  })

  test('Home lets a person resolve an uncertain effect in place.', async () => {
    const run = await start('invite Bob', cut)
    await waiting().getByRole('button', { name: 'Show 1 new' }).click()
    const effect = waiting().getByRole('group', { name: /^Outcome of mail/ })
    await effect.getByText('at-most-once').waitFor()
    expect(await effect.getByRole('region', { name: /^Input of mail/ }).innerText()).toContain('"to": "Bob"')
    await effect.getByLabel('What it gave').fill('sent')
    await effect.getByRole('button', { name: 'It happened' }).click()
    expect((await run.result()).response).toBe('sent')
    await effect.waitFor({ state: 'detached' })
    await waiting().getByText('Answered: it happened').waitFor()
  })

  test('Home shows what waits of a session and of a message handler, and a person decides both in place.', async () => {
    const user = played.troupe.user('default')
    const handled: unknown[] = []
    const worker = new Worker('Post').on(Letter, async ({ payload }, ctx) => {
      handled.push(
        await ctx.effect('stamp', { class: 'at-most-once', key: payload }, () => {
          throw new ExternalServiceError('The stamp was cut off.', { code: 'outcome.unknown' })
        }),
      )
    })
    const running = await user.start(worker)
    const session = user.session(asking, { threadId: 'gifts' })
    await session.generate('a gift')
    await user.agent('Desk').messages.send(Letter, 'letter-1', { to: 'Post' })
    await expect.poll(async () => (await user.approvals.list()).items.length).toBe(2)
    await page.reload()
    const effect = waiting().getByRole('group', { name: /^Outcome of stamp/ })
    await waiting().getByText('letter to Post').waitFor()
    await effect.getByText('idempotency key letter-1').waitFor()
    await effect.getByLabel('What it gave').fill('stamped')
    await effect.getByRole('button', { name: 'It happened' }).click()
    await expect.poll(() => handled).toEqual(['stamped'])
    await waiting().getByText('a gift: thread gifts with Payer').waitFor()
    await requests().getByRole('button', { name: 'Approve' }).click()
    await waiting().getByText('Answered: approved').waitFor()
    await expect.poll(() => user.approvals.list().then(({ items }) => items.length)).toBe(0)
    await running.stop()
  })

  test('Home cancels the open call of a session after a second press, and its effect stays to be resolved.', async () => {
    const user = played.troupe.user('default')
    const [asks, sends] = [user.session(asking, { threadId: 'flowers' }), user.session(cut, { threadId: 'cards' })]
    await asks.generate('flowers')
    await page.reload()
    await requests().waitFor()
    await waiting().getByRole('button', { name: 'Cancel the call' }).click()
    await waiting().getByRole('button', { name: 'Cancel the call now' }).click()
    await waiting().getByText('The call was cancelled.').waitFor()
    expect(await asks.questions()).toEqual([])
    await sends.run('cards')
    await page.reload()
    const effect = waiting().getByRole('group', { name: /^Outcome of mail/ })
    await effect.getByText('its session continues with that.').waitFor()
    await waiting().getByRole('button', { name: 'Cancel the call' }).click()
    await waiting().getByRole('button', { name: 'Cancel the call now' }).click()
    await effect.getByText('its call was cancelled').waitFor()
    expect(await waiting().getByRole('button', { name: 'Cancel the call' }).count()).toBe(0)
    await effect.getByRole('button', { name: 'It did not happen', exact: true }).click()
    await waiting().getByText('Answered: it did not happen').waitFor()
    expect(await sends.uncertain()).toEqual([])
  })

  test('Home shows the figures of the day, and groups the failed runs by their cause.', async () => {
    const printer = (text: string) =>
      defineAgent({
        name: 'Printer',
        run: async () => {
          throw new ExternalServiceError(text, { code: 'printer.stopped' })
        },
      })
    const { orchestra } = played.troupe.user('default')
    const usage = { inputTokens: 500, outputTokens: 100 }
    for (const task of ['menu', 'bill']) {
      const writer = new LlmAgent({ name: 'Writer', model: new MockModel({ responses: [{ text: task, usage }] }) })
      const topology = { agents: [writer, printer(`No paper for the ${task}.`)], flows: ['Writer -> Printer'] }
      await (await orchestra.start({ task, topology })).result()
    }
    const model = new MockModel({ responses: [{ text: 'Yes.', usage: { inputTokens: 900, outputTokens: 100 } }] })
    await orchestra.run({ task: 'Is it so?', agent: new LlmAgent({ name: 'Oracle', instructions: 'Say yes.', model }) })
    await page.reload()
    const failed = page.getByRole('region', { name: 'Failed' })
    const row = failed.getByRole('row', { name: /printer\.stopped/ })
    await row.getByText('No paper for the bill.').waitFor()
    expect((await row.getByRole('cell').allInnerTexts()).slice(0, 3)).toEqual(['2', '1,200', '$0.30'])
    await failed.getByText('2 runs, 1 cause').waitFor()
    const metrics = page.getByRole('region', { name: 'Figures of the day' })
    const metric = async (name: RegExp) => (await metrics.getByRole('link', { name }).innerText()).split(/\n+/)
    const { items } = await orchestra.list({ limit: 100 })
    expect((await metric(/^Runs/))[1]).toBe(String(items.length))
    expect((await metric(/^Failed/))[2]).toBe('2 runs')
    // The percentile is of one team and of one hour, both of which it names.
    expect((await metric(/^Slowest team, p95/))[2]).toMatch(
      /^\S.*, \d+:00\sAM–\d+:00\s.M$|^\S.*, \d+:00\sPM–\d+:00\s.M$/,
    )
    const slowest = metrics.getByRole('link', { name: /^Slowest team, p95/ })
    expect(await slowest.getAttribute('title')).toMatch(
      /^From start to end of the runs started .*, waits included; median ≤ /,
    )
    expect((await metric(/^Tokens/))[1]).toBe('2,200')
    expect((await metric(/^Cost/))[1]).toBe('$0.49')
    await row.getByRole('link', { name: 'Why bill failed' }).click()
    await page
      .getByRole('region', { name: 'Why' })
      .getByText(/No paper/)
      .first()
      .waitFor()
    await page.goBack()
    await metrics.getByRole('link', { name: /^Failed/ }).click()
    await page.getByRole('link', { name: 'menu' }).waitFor()
    expect(await page.getByRole('rowheader').count()).toBe(2)
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  test('Home shows charts of runs, durations, tokens and cost.', async () => {
    const charts = page.getByRole('region', { name: 'Last 24 hours' }).getByRole('figure')
    await expect.poll(() => charts.count()).toBe(4)
    expect((await charts.allInnerTexts()).map((text) => text.split('\n')[0])).toEqual([
      'Runs started',
      'Duration, slowest team',
      'Tokens',
      expect.stringMatching(/^Cost/),
    ])
    const started = charts.first()
    await started.getByRole('button', { name: 'Table' }).click()
    expect(await started.getByRole('columnheader').allInnerTexts()).toEqual(['From', 'runs', 'failed'])
    const { items } = await played.troupe.user('default').orchestra.list({ limit: 100 })
    const sumOf = async (column: number) =>
      (await started.locator(`tbody td:nth-of-type(${column})`).allInnerTexts()).reduce((sum, text) => sum + +text, 0)
    await expect.poll(() => sumOf(1)).toBe(items.length)
    expect(await sumOf(2)).toBe(items.filter(({ status }) => status === 'failed').length)
    await started.getByRole('button', { name: 'Chart' }).click()
  })

  test('Home and Health show the messages that wait, the dead letters and the workers.', async () => {
    await createDeadLetter(played.troupe)
    const details = /^waiting \d+, longest queue \d+, dead letters \d+, workers \d+, messages per second [\d.]+$/
    await page.getByRole('region', { name: 'Health' }).getByText(details).waitFor()
    await page.getByRole('navigation').getByRole('link', { name: 'Health' }).click()
    await page
      .getByRole('row', { name: /^queues/ })
      .getByText(details)
      .waitFor()
  })

  test('Home writes ages, durations and numbers in the locale of the reader.', async () => {
    await played.troupe
      .user('default')
      .orchestra.run({ task: 'quick', agent: defineAgent({ name: 'Quick', run: async () => finish('done') }) })
    const german = await testbed.open({ link: await played.server.link(), locale: 'de-DE' })
    const row = german.getByRole('region', { name: 'Newest runs' }).getByRole('row', { name: /quick/ })
    await row
      .getByRole('cell')
      .getByText(/^\d+ (Sek\.|Min\.)$/)
      .waitFor()
    await german
      .getByRole('region', { name: 'Newest runs' })
      .getByText(/^\d+,\d Sek\.$|^\d+ Min\. \d+ Sek\.$/)
      .first()
      .waitFor()
    const exact = /^\d{1,2}\. \p{L}+\.? \d{4}, \d{1,2}:\d{2}:\d{2} \S+$/u
    await german.goto(`${played.server.url}/#/runs`)
    const times = german.getByRole('row', { name: /quick/ }).locator('time')
    await expect.poll(async () => (await times.first().getAttribute('title')) ?? '').toMatch(exact)
    const at = await times.first().getAttribute('datetime')
    const zone = await german.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone)
    const date = new Date(at ?? '')
    const inGerman = new Intl.DateTimeFormat('de-DE', {
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
      timeZone: zone,
    })
    expect(await times.first().getAttribute('title')).toBe(inGerman.format(date))
    await german.goto(`${played.server.url}/#/audit`)
    await german.locator('tbody').getByRole('link', { name: exact }).first().waitFor()
    await german.context().close()
  })

  test('Home shows why the server does not give a list, and does not call the list empty.', async () => {
    const problem = { status: 500, code: 'storage.unavailable', title: 'No storage', detail: 'The storage is away.' }
    const rejected = /\/v1\/(runs\?.*status|approvals)/
    const other = await testbed.open()
    await other.route(rejected, (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', json: problem }),
    )
    await other.goto(await played.server.link())
    for (const name of ['Waiting for a person', 'Failed', 'In progress']) {
      const list = other.getByRole('region', { name, exact: true })
      await list.getByRole('alert').getByText('The storage is away.').waitFor()
      expect(await list.getByText(/^(No run|Nothing)/).count(), name).toBe(0)
    }
    await other.context().close()
  })

  test('Home calls no list empty while the server has too many requests to answer.', async () => {
    const other = await testbed.open()
    const problem = { title: 'Rate limit', status: 429, code: 'rate.limited', detail: 'Too many requests.' }
    await other.route(/\/v1\/(runs|approvals)/, (route) =>
      route.fulfill({ status: 429, contentType: 'application/problem+json', json: problem }),
    )
    await other.goto(await played.server.link())
    const isEmpty = other.getByText(/^(No run|Nothing waits)/).first()
    for (const name of ['Waiting for a person', 'Failed', 'In progress']) {
      await other.getByRole('region', { name, exact: true }).getByText('Too many requests.').waitFor()
      expect(await isEmpty.count(), name).toBe(0)
    }
    await other.unrouteAll({ behavior: 'ignoreErrors' })
    await other.context().close()
  })

  test('Each list names the user whose data it shows, and an empty one says what to do.', async () => {
    await page.goto(`${played.server.url}/#/home`)
    await page.getByRole('main').getByText('User default', { exact: true }).waitFor()
    await page.getByRole('textbox', { name: 'User' }).fill('ada')
    await page.getByRole('textbox', { name: 'User' }).press('Enter')
    for (const text of [
      'Nothing waits for a person. A question, an approval or an uncertain effect appears here.',
      'No run has failed. Failed runs appear here, grouped by their cause.',
      'No run is in progress. A run appears here while it executes.',
    ])
      await page.getByText(text, { exact: true }).waitFor()
    for (const [view, text] of [
      ['Runs', /^No run has started\. Start one here\./],
      ['Context', /^No entry is stored\. Agents and programs write entries with/],
      ['Messages', /^No message was sent yet\. Agents send one with/],
      ['Schedules', /^No schedule starts runs\. A program creates one with/],
      ['Usage', /^No run has used a model yet\./],
    ] as const) {
      await page.getByRole('navigation').getByRole('link', { name: view }).click()
      await page.getByRole('main').getByText('User ada', { exact: true }).waitFor()
      await page.getByText(text).waitFor()
      if (view === 'Context') {
        await page.getByRole('link', { name: 'Tree' }).click()
        await page
          .getByRole('navigation', { name: 'Form of the list' })
          .locator('[aria-current]', { hasText: 'Tree' })
          .waitFor()
        await page.getByText(text).waitFor()
      }
      expect(await page.title()).toBe(`${view} · ada · Troupe`)
    }
  })
})
