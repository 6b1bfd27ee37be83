/** The page in a real browser: the story of a run that asks, and what holds on every view. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { defineAgent, finish, patterns, Worker } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { createDeadLetter, type Played, play } from './studio-testbed.ts'

const views =
  'home runs chat context messages teams teams/letters agents agents/Clerk schedules evaluations usage health keys audit settings try playground playground?tab=call'.split(
    ' ',
  )

describeInBrowser('the page', (testbed) => {
  let played: Played
  let page: Page
  const problems: string[] = []

  const open = async (options: BrowserContextOptions = {}) => {
    const opened = await testbed.open(options)
    opened.on('pageerror', (error) => problems.push(error.message))
    opened.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await opened.goto(await played.server.link())
    await opened.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    return opened
  }
  const go = async (name: string) => {
    await page.getByRole('navigation').getByRole('link', { name }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
  }

  beforeAll(async () => {
    played = await testbed.use(play())
    page = await open()
  })

  test('The studio opens by a link that works once, and shows nothing without it.', async () => {
    const link = await played.server.link()
    const first = await testbed.open()
    await first.goto(link)
    await first.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    const other = await testbed.open()
    expect((await other.goto(link))?.status()).toBe(401)
    await other.goto(played.server.url)
    await other.getByRole('alert').first().waitFor()
  })

  test('The studio starts a run, follows it, approves it with its exact arguments, and shows its end.', async () => {
    await go('Try it')
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('letters')
    await page.getByLabel('Task').fill('the invitation')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('Clerk asks').waitFor()
    const run = page.url()
    await go('Home')
    // It is answered where it is listed, with the task, the team and the age beside it.
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    await waiting.getByText('May Clerk call send_letter').waitFor()
    await waiting.getByRole('link', { name: 'the invitation' }).waitFor()
    await waiting.getByText(/^user default, letters, .*\d+ tokens, \$0\.00.* old$/).waitFor()
    expect(played.sent).toEqual([])
    const args = await page.getByRole('region', { name: 'Arguments of send_letter' }).innerText()
    expect(JSON.parse(args)).toEqual({ to: 'Bob', text: expect.stringContaining('<img') })
    await page.getByRole('button', { name: 'Approve' }).click()
    await waiting.getByText('Nothing waits for a person.').waitFor()
    const row = page.getByRole('row', { name: /the invitation/ })
    await row.getByText('completed').waitFor()
    expect(await row.getByRole('rowheader').innerText()).toBe('the invitation')
    expect(await row.getByRole('cell').allInnerTexts()).toEqual([
      expect.stringMatching(/completed$/),
      'letters',
      expect.stringMatching(/^[\d,]+$/),
      expect.stringMatching(/^\$[\d.]+\+?$/),
      expect.stringMatching(/^\d+ (sec|min)$/),
      expect.stringMatching(/ (ms|sec)$/),
    ])
    await page.goto(run)
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    expect(played.sent).toEqual(['Bob'])
    expect(await page.getByRole('region', { name: 'Response' }).last().innerText()).toBe('The letter is sent.')
    await page.getByRole('button', { name: 'Verify replay' }).click()
    await page.getByText('The replay of the journal has the same').waitFor()
    await page.getByRole('link', { name: 'Why' }).click()
    await page
      .getByRole('region', { name: 'Why' })
      .getByText(/Reader/)
      .first()
      .waitFor()
  })

  test('The studio starts a run whose task is JSON, once it is valid.', async () => {
    const before = page.url()
    await go('Try it')
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('letters')
    await page.getByRole('combobox', { name: 'Written as' }).selectOption('JSON')
    const start = page.getByRole('button', { name: 'Start' })
    await page.getByRole('textbox', { name: 'Task' }).fill('{"to":')
    await page.getByText('This is not JSON', { exact: false }).waitFor()
    expect(await start.isDisabled()).toBe(true)
    await page.getByRole('textbox', { name: 'Task' }).fill('{"to":"Ada"}')
    await page.getByText('This is not JSON', { exact: false }).waitFor({ state: 'detached' })
    expect(await start.isEnabled()).toBe(true)
    await page.goto(before)
  })

  test('The studio shows the input and the outcome of a step.', async () => {
    await page.getByRole('link', { name: /^Steps/ }).click()
    await page.getByRole('treeitem', { name: /^Reader/ }).click()
    await page
      .getByRole('region', { name: /^Outcome of Reader/ })
      .getByText('Notes on the invitation')
      .waitFor()
  })

  test("The studio shows the answers of a step's model and the results of its tools.", async () => {
    const step = page.getByRole('treeitem', { name: /^Clerk/ })
    await step.click()
    expect(await step.getByText('1,015 tokens').count()).toBe(1)
    const inspector = page.getByRole('complementary')
    const facts = async () => (await inspector.locator('.facts').innerText()).replace(/\s+/g, ' ')
    expect(await facts()).toContain('Tokens 1,015 Cost $0.196')
    await page.getByRole('treeitem', { name: /^model call 1/ }).click()
    const region = inspector.getByRole('region', { name: /^model 1 of Clerk/ })
    expect(await region.innerText()).toMatch(/^send_letter \{\s+"to": "Bob"/)
    expect(await facts()).toContain('Tokens in 10 Tokens out 5 Cost $0.006')
    await page.getByRole('treeitem', { name: /^tool send_letter/ }).click()
    expect(await facts()).toMatch(/Effect class at-most-once Idempotency key \S+/)
    const results = inspector.getByRole('region', { name: /^tool send_letter of Clerk/ })
    expect(await results.innerText()).toContain('"sent": true')
    const input = inspector.getByRole('region', { name: /^Arguments of tool send_letter/ })
    expect(await input.innerText()).toContain('"to": "Bob"')
    await page.getByRole('treeitem', { name: /^model call 2/ }).click()
    expect(await facts()).toContain('Tokens in 900 Tokens out 100 Cost $0.19')
  })

  test('The studio shows the prompt of a model call as it was sent, with its tools.', async () => {
    const message = page.getByRole('region', { name: /^Message \d, of tool, in the prompt of model call 2 of Clerk/ })
    expect(await message.innerText()).toMatch(/send_letter \(.+\) gave/)
    await page.getByText(/^\d tools?: .*send_letter/).waitFor()
    expect(problems).toEqual([])
  })

  test('The timeline is operated by keyboard, and its address opens the same call again.', async () => {
    const inspector = page.getByRole('complementary')
    await page.getByRole('treeitem', { name: /^model call 2/ }).focus()
    for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key)
    await inspector.getByRole('heading', { name: 'wait 1' }).waitFor()
    await inspector.getByText(/^May Clerk call send_letter/).waitFor()
    await inspector.getByRole('button', { name: 'Previous' }).click()
    await inspector.getByRole('heading', { name: 'model call 2' }).waitFor()
    await page.reload()
    await inspector.getByRole('heading', { name: 'model call 2' }).waitFor()
    expect(await page.getByRole('treeitem', { selected: true }).innerText()).toContain('model call 2')
    await page.goBack()
    await inspector.getByRole('heading', { name: 'wait 1' }).waitFor()
    await inspector.getByRole('button', { name: 'Close' }).click()
    await inspector.waitFor({ state: 'detached' })
  })

  test('The studio shows what a fork shares, pays, repeats and asks, and starts it once its effects are confirmed.', async () => {
    const runOf = (url: string) => url.split('?')[0]
    const before = page.url()
    await page.getByRole('button', { name: 'Fork…' }).click()
    const form = page.getByRole('group', { name: 'Fork from here' })
    // The last step is executed again.
    await form.getByRole('heading', { name: 'Fork after event 7' }).waitFor()
    await form.getByText('1 step, neither executed nor paid again').waitFor()
    await form.getByText('2 model calls, 1,015 tokens, $0.196').waitFor()
    await form.getByText('send_letter of step 1#2, at-most-once').waitFor()
    await form.getByText(/^Clerk: May Clerk call send_letter/).waitFor()
    const start = form.getByRole('button', { name: 'Fork from here' })
    expect(await start.isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Event before' }).click()
    await form.getByRole('heading', { name: 'Fork after event 6' }).waitFor()
    await form.getByRole('button', { name: 'Close the fork' }).click()
    await form.waitFor({ state: 'detached' })
    expect(runOf(page.url())).toBe(runOf(before))
    await page.getByRole('button', { name: 'Fork here…' }).click()
    await form.getByRole('checkbox', { name: /^Repeat effects/ }).check()
    await start.click()
    await page.waitForURL((url) => runOf(url.href) !== runOf(before))
    await page.getByText('Clerk asks').waitFor()
    expect(played.sent).toEqual(['Bob'])
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel now' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('cancelled').waitFor()
  })

  test('The studio shows the time and the attempt of a step in progress, and retries a failed run.', async () => {
    const gate = Promise.withResolvers<void>()
    let attempts = 0
    const flaky = defineAgent({
      name: 'Flaky',
      run: async () => {
        attempts++
        if (attempts === 1) throw new Error('out of paper')
        if (attempts === 2) await gate.promise
        return 'printed'
      },
    })
    const run = await played.troupe.user('default').orchestra.start({
      task: 'print',
      topology: { agents: [flaky], flows: ['Flaky -> End'] },
      config: { onError: { '*': { retry: { attempts: 2, backoff: '10ms' } } } },
    })
    await page.goto(`${played.server.url}/#/runs/${run.id}`)
    const step = page.getByRole('treeitem', { name: /working: attempt 2/ })
    await step.waitFor()
    await step.getByText(/^[1-9][\d.]* sec$/).waitFor()
    gate.reject(new Error('out of ink'))
    await page.getByRole('status', { name: 'Status of the run' }).getByText('failed').waitFor()
    await page.getByRole('button', { name: 'Retry' }).click()
    await page.waitForURL((url) => !url.href.endsWith(run.id))
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
  })

  test('The studio answers a question, and the team drawing shows the progress.', async () => {
    const chooser = defineAgent({
      name: 'Chooser',
      run: async (_, ctx) => finish(await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })),
    })
    const topology = { agents: [chooser], flows: ['Chooser -> End'] }
    const run = await played.troupe.user('default').orchestra.start({ task: 'x', topology })
    await page.goto(`${played.server.url}/#/runs/${run.id}`)
    await page.getByLabel('Chooser, waiting').waitFor()
    await page.getByRole('button', { name: 'blue' }).click()
    await page.getByLabel('Chooser, done').waitFor()
    expect(await page.getByRole('region', { name: 'Response' }).last().innerText()).toBe('blue')
  })

  test('The home view counts the runs of the day, those in progress and those that failed, and shows the health.', async () => {
    const { orchestra } = played.troupe.user('default')
    const gate = Promise.withResolvers<string>()
    const busy = defineAgent({ name: 'Busy', run: () => gate.promise })
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('out of paper')) })
    const asking = defineAgent({ name: 'Asking', run: (_, ctx) => ctx.ask({ text: 'Who?' }) })
    const runs = []
    for (const agent of [busy, broken, asking])
      runs.push(await orchestra.start({ task: 'x', topology: { agents: [agent], flows: [`${agent.name} -> End`] } }))
    await Promise.all(runs.slice(1).map((run) => run.result()))
    await page.goto('about:blank')
    await page.goto(await played.server.link())
    const listed = async (filter: { readonly status?: 'running' | 'failed' }) =>
      (await orchestra.list({ ...filter, limit: 100 })).items.length
    const metrics = page.getByRole('region', { name: 'Figures of the day' })
    await metrics.getByRole('link', { name: `Runs, 24 h ${await listed({})}` }).waitFor()
    await page
      .getByRole('region', { name: 'In progress' })
      .getByText(`${await listed({ status: 'running' })}`, { exact: true })
      .waitFor()
    await page
      .getByRole('region', { name: 'Failed' })
      .getByText(`${await listed({ status: 'failed' })} run`)
      .waitFor()
    await page.getByRole('region', { name: 'Health' }).getByText('storage').waitFor()
    await page.getByRole('region', { name: 'Failed' }).getByText('out of paper').first().waitFor()
    await page.getByRole('region', { name: 'In progress' }).getByText('Busy').waitFor()
    await page
      .getByRole('region', { name: 'Doctor' })
      .getByText(/^\d+ checks pass, \d+ warn, \d+ fail/)
      .waitFor()
    gate.resolve('done')
    await runs[2]?.cancel()
  })

  test('The studio shows a schedule, pauses, resumes and triggers it.', async () => {
    await played.troupe.user('default').schedules.create({ id: 'morning', task: 'tea', team: 'letters', every: '1d' })
    await go('Schedules')
    await page.getByText('every 1d').waitFor()
    await page
      .getByRole('row', { name: /morning/ })
      .getByText('the application')
      .waitFor()
    await page.getByRole('button', { name: 'Pause morning' }).click()
    await page.getByText('paused').waitFor()
    await page.getByText('Stopped by a command').waitFor()
    await page.getByRole('button', { name: 'Resume morning' }).click()
    await page.getByText('active').waitFor()
    const row = page.getByRole('row', { name: /morning/ })
    await row.getByText(/^key /).waitFor()
    await row.locator('summary').click()
    expect(await row.getByRole('listitem').count()).toBe(4)
    await page.getByRole('button', { name: 'Run now, morning' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('needs approval').waitFor()
    await page.goBack()
    await row.getByTitle('Last run of morning').click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('needs approval').waitFor()
  })

  test('The studio shows a worker at work, and its absence when it stops.', async () => {
    const { stop } = await played.troupe.user('default').start(new Worker('Helper', { role: 'storage' }))
    await go('Agents')
    const present = page.getByRole('region', { name: 'At work now' })
    await present.getByRole('row', { name: /Helper storage/ }).waitFor()
    await stop()
    await present.getByText('No worker is present.').waitFor()
  })

  test('The studio redrives a dead letter.', async () => {
    await createDeadLetter(played.troupe)
    await go('Messages')
    await page.getByText('out of stock').waitFor()
    // No worker serves this mailbox.
    const views = page.getByRole('navigation', { name: 'Views' })
    await views.getByRole('link', { name: 'Messages 1' }).waitFor()
    // Its mailbox, which holds no other message, shows it too.
    await page.getByRole('link', { name: 'Stock' }).click()
    await page.getByText('It holds no message that waits').waitFor()
    await page.getByRole('button', { name: 'Deliver again' }).click()
    await page.getByText('out of stock').waitFor({ state: 'detached' })
    await views.getByRole('link', { name: 'Messages', exact: true }).waitFor()
    expect(await played.troupe.user('default').agent('Stock').mailbox.counts()).toMatchObject({ dead: 0, waiting: 1 })
    expect(await page.getByRole('region', { name: /^Payload of order.place from Shop/ }).innerText()).toContain('<img')
    expect(await played.troupe.user('default').agent('Stock').mailbox.counts()).toMatchObject({ unread: 1 })
  })

  test('The studio shows a thread with an agent that its server does not have, and says why it cannot be continued.', async () => {
    const loner = defineAgent({ name: 'Loner', run: async () => finish('alone') as never })
    const thread = { agent: loner, task: 'hello from another program', threadId: 'elsewhere' }
    await played.troupe.user('default').orchestra.run(thread)
    await go('Chat')
    await page.getByRole('link', { name: 'hello from another program' }).click()
    await page.getByRole('group', { name: 'Answer of Loner' }).getByText('alone').waitFor()
    await page.getByText('This server has no team or agent Loner').waitFor()
    expect(await page.getByLabel('Message').count()).toBe(0)
    await page.getByRole('combobox', { name: 'Team or agent' }).selectOption('Echo')
    await page.getByLabel('Message').waitFor()
  })

  test('The studio executes nothing that agents write.', async () => {
    for (const view of views) await page.goto(`${played.server.url}/#/${view}`)
    expect(await page.title()).not.toContain('broken into')
    expect(await page.locator('img[src="x"]').count()).toBe(0)
  })

  test('The studio is reachable completely by keyboard.', async () => {
    const browserPage = await open()
    await browserPage.keyboard.press('Tab')
    expect(await browserPage.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await browserPage.keyboard.press('Enter')
    expect(await browserPage.evaluate(() => document.activeElement?.id)).toBe('main')
    const focused = () => browserPage.evaluate(() => document.activeElement?.textContent)
    await browserPage.getByRole('link', { name: 'All runs' }).waitFor()
    for (let tabs = 0; tabs < 60 && (await focused()) !== 'All runs'; tabs++) await browserPage.keyboard.press('Tab')
    await browserPage.keyboard.press('Enter')
    await browserPage.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    expect(await browserPage.evaluate(() => document.activeElement?.id)).toBe('main')
  })

  test('The studio draws a hub with its spokes large enough to read on a phone.', async () => {
    const agent = (name: string) => defineAgent({ name, run: async () => finish('done') })
    const topology = patterns.hubAndSpoke({ hub: agent('Hub'), spokes: ['A', 'B', 'C', 'D', 'E'].map(agent) })
    const run = await played.troupe.user('default').orchestra.start({ task: 'x', topology })
    await run.result()
    const browserPage = await open({ viewport: { width: 375, height: 800 } })
    await browserPage.goto(`${played.server.url}/#/runs/${run.id}`)
    const boxes = browserPage.locator('.node')
    await boxes.nth(6).waitFor()
    for (const box of await boxes.all()) expect((await box.boundingBox())?.width).toBeGreaterThan(75)
  })

  test('The studio shows that the server is away, and reconnects by itself.', async () => {
    const browserPage = await open()
    await browserPage.context().setOffline(true)
    const server = browserPage.getByRole('status', { name: 'The server' })
    await server.getByText('cannot be reached').waitFor()
    await browserPage.context().setOffline(false)
    await server.getByText('ready').waitFor()
    await browserPage.getByRole('status', { name: 'Updates' }).getByText('live').waitFor()
    // 409: a fork that would repeat effects is rejected until it is confirmed. 404: an entry for an agent that may not read it.
    expect(problems.filter((problem) => !/ERR_INTERNET_DISCONNECTED|401|404|409/.test(problem))).toEqual([])
  })
})
