/** The address of one message, schedule, API key, audit record, context entry and event, each opened fresh and copied. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { createDeadLetter, Order } from './studio-testbed.ts'

describeInBrowser('Addresses of the studio', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    const echo = defineAgent<string, string>({ name: 'Echo', run: async (task) => task })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo], messaging: { maxAttempts: 1 } })
    server = await testbed.serve(troupe)
    page = await testbed.open({
      link: await server.link(),
      viewport: { width: 1_200, height: 700 },
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  const region = (name: string | RegExp) => page.getByRole('region', { name, exact: true })
  /** Loads the page at the address, as a link from elsewhere does. */
  const open = async (address: string) => {
    const context = page.context()
    await page.close()
    page = await context.newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(address.startsWith('http') ? address : `${server.url}/#/${address}`)
  }
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  const isInView = async (name: string | RegExp) => {
    await expect.poll(async () => (await region(name).boundingBox())?.y ?? -1).toBeGreaterThanOrEqual(0)
    expect((await region(name).boundingBox())?.y).toBeLessThan(700)
  }

  test('The address of a message opens it behind a hundred others, and says when the mailbox no longer has it.', async () => {
    const { messages } = troupe.user('default').agent('Shop')
    const sent: string[] = []
    for (let i = 0; i < 120; i++) sent.push((await messages.send(Order, { item: `tea ${i}` }, { to: 'Store' })).id)
    await open('messages/Store')
    await page
      .getByRole('button', { name: /^Copy link to order\.place from Shop/ })
      .first()
      .click()
    await expect.poll(copied).toBe(`${server.url}/#/messages/Store?message=${sent[0]}`)
    await open(`messages/Store?message=${sent[119]}`)
    await region('Message').getByText('tea 119').waitFor()
    await isInView('Message')
    await region('Message').getByRole('button', { name: 'Copy link', exact: true }).click()
    await expect.poll(copied).toBe(page.url())
    await region('Message').getByRole('link', { name: 'Close' }).click()
    await region('Message').waitFor({ state: 'detached' })
    await open('messages/Store?message=nothing')
    await region('Message').getByText('The mailbox has no message with this address').waitFor()
  })

  test('The address of a message opens it as a dead letter, from where it is delivered again.', async () => {
    await createDeadLetter(troupe)
    const { items } = await troupe.user('default').agent('Stock').mailbox.deadLetters()
    await open(`messages/Stock?message=${items[0]?.message.id}`)
    await region('Dead letter').getByText('out of stock').waitFor()
    await isInView('Dead letter')
    await region('Dead letter').getByRole('button', { name: 'Deliver again' }).click()
    await region('Message').getByText('order.place').first().waitFor()
    expect(await troupe.user('default').agent('Stock').mailbox.counts()).toMatchObject({ dead: 0, waiting: 1 })
  })

  test('The address of a schedule opens it with its commands, and marks its row.', async () => {
    const { schedules } = troupe.user('default')
    await schedules.create({ id: 'nightly', agent: 'Echo', task: 'x', every: '1d' })
    await schedules.create({ id: 'weekly', agent: 'Echo', task: 'x', every: '7d' })
    await open('schedules')
    await page
      .getByRole('rowheader', { name: /^weekly/ })
      .getByRole('link')
      .click()
    await region('Schedule weekly').getByText('every 7d').waitFor()
    await region('Schedule weekly').getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(copied).toBe(`${server.url}/#/schedules?schedule=weekly`)
    await open(await copied())
    await region('Schedule weekly').getByText('every 7d').waitFor()
    await isInView('Schedule weekly')
    expect(await page.locator('tr[aria-current]').innerText()).toContain('weekly')
    await region('Schedule weekly').getByRole('button', { name: 'Pause' }).click()
    await region('Schedule weekly').getByText('paused').first().waitFor()
    await open('schedules?schedule=never')
    await region('Schedule never').getByRole('alert').getByText('never').waitFor()
  })

  test('The address of an API key opens it, and marks its row.', async () => {
    const { id } = await troupe.apiKeys.create({ name: 'deploy', users: ['ada'], role: 'readonly' })
    await open('keys')
    await page.getByRole('link', { name: 'deploy' }).click()
    await region('Key deploy').getByText(id).waitFor()
    await region('Key deploy').getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(copied).toBe(`${server.url}/#/keys?apiKey=${id}`)
    await open(await copied())
    await region('Key deploy').getByText('readonly').waitFor()
    await isInView('Key deploy')
    expect(await page.locator('tr[aria-current]').innerText()).toContain('deploy')
    await open('keys?apiKey=nothing')
    await region('Key').getByText('has this address').waitFor()
  })

  test('The address of an audit record, of an entry and of an event opens each.', async () => {
    await open('audit')
    await page.locator('tbody th a').first().click()
    await region('Record').getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(copied).toBe(page.url())
    await open(await copied())
    await region('Record').getByText('Principal').waitFor()
    await isInView('Record')
    await troupe.user('default').context.push('letters.draft', 'Dear Bob')
    await open('context?key=letters.draft')
    await region('Value of letters.draft').getByText('Dear Bob').waitFor()
    await page.getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(copied).toBe(page.url())
    const run = await troupe.user('default').orchestra.start({ agent: 'Echo', task: 'hello' })
    await run.result()
    await open(`runs/${run.id}?tab=events&event=2`)
    await region(/^Event 2: /).waitFor()
    await page.getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(copied).toBe(page.url())
  })

  test('No view that is opened by its address throws an error.', () => {
    expect(problems).toEqual([])
  })
})
