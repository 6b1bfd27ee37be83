/** The list of runs in a real browser: of thousands, narrowed, sorted, and with commands for several at once. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, defineMessage, ExternalServiceError, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { describeInBrowser } from './browser-testbed.ts'
import { fanOut } from './studio-testbed.ts'

const runCount = 2_000

describeInBrowser('The list of runs', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page

  const open = async (query = '') => {
    await page.goto('about:blank')
    await page.goto(`${server.url}/#/runs${query}`)
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
  }
  const drawn = () => page.locator('tbody tr').count()

  beforeAll(async () => {
    const echo = defineAgent<string, string>({ name: 'Echo', run: async (task) => task })
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('out of paper')) })
    const asking = defineAgent({ name: 'Asking', run: (_, ctx) => ctx.ask({ text: 'Who?' }) })
    const prices = { 'mock/mock': { input: 100, output: 1_000 } }
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo, broken, asking], prices })
    const { orchestra } = troupe.user('default')
    for (let n = 0; n < runCount; n += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, i) => orchestra.run({ agent: 'Echo', task: `letter ${n + i}`, tags: ['mail'] })),
      )
    for (const task of ['=SUM(A1), "first"', 'second']) await orchestra.run({ agent: 'Broken', task })
    for (const task of ['ask one', 'ask two', 'ask three']) {
      await orchestra.start({ agent: 'Asking', task })
      // Runs of one millisecond have no order.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await orchestra.run({ agent: 'Echo', task: 'headfirst' })
    server = await testbed.serve(troupe)
    page = await testbed.open({
      link: await server.link(),
      viewport: { width: 1_200, height: 800 },
      acceptDownloads: true,
    })
  })

  test('A list of two thousand runs draws the rows in view, and loads the older ones while one scrolls.', async () => {
    await open()
    await page.getByRole('link', { name: 'ask three' }).waitFor()
    expect(await drawn()).toBeLessThan(60)
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 20_000)
          return page.getByRole('link', { name: 'letter 0', exact: true }).count()
        },
        { timeout: 60_000, interval: 200 },
      )
      .toBe(1)
    expect(await drawn()).toBeLessThan(60)
    await page.getByText(/^2,006 runs$/).waitFor()
  })

  test('A list of runs asks for the next page when several brought no rows.', async () => {
    let empty = 3
    await page.route(/\/v1\/runs\?.*cursor=/, async (route) => {
      const cursor = new URL(route.request().url()).searchParams.get('cursor')
      if (empty-- > 0) await route.fulfill({ json: { items: [], cursor } })
      else await route.fallback()
    })
    await open()
    await page.getByRole('link', { name: 'ask three' }).waitFor()
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 20_000)
          return page.getByText(/^[4-9]\d\d runs, and there are more$/).count()
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(1)
    await page.unroute(/\/v1\/runs\?.*cursor=/)
  })

  test('The list of runs in the studio is filtered by status, team, tags and words, and its address contains the filter.', async () => {
    await open()
    await page.getByRole('combobox', { name: 'Status' }).selectOption('failed')
    await page.getByText(/^2 runs$/).waitFor()
    await page.getByText('out of paper').first().waitFor()
    expect(page.url()).toContain('status=failed')
    await open('?tags=mail&search=letter+1999')
    await page.getByText(/^1 run$/).waitFor()
    expect(await page.getByLabel('Tags, with commas').inputValue()).toBe('mail')
    // The row has the tag below its task.
    await page.getByRole('rowheader', { name: 'letter 1999' }).getByText('mail', { exact: true }).waitFor()
    // One run has the word `first`; the task of another contains it as a part of a word.
    await open('?search=first')
    await page.getByRole('link', { name: /^=SUM/ }).waitFor()
    await page.getByRole('link', { name: 'headfirst' }).waitFor()
    await page.getByText(/^2 runs$/).waitFor()
    await open('?search=etter+1999')
    await page.getByText(/^1 run$/).waitFor()
    // Each part is found by itself, in the task or in a tag: 199, 1199 and 1990 to 1999.
    await open('?search=ail+199+ett')
    await page.getByText(/^12 runs$/).waitFor()
    // No word is asked for where none is typed.
    await open('?search=%3D+%2C')
    await page.getByRole('link', { name: /^=SUM/ }).waitFor()
    await page.getByText(/^1 run$/).waitFor()
    await open()
    await page.getByLabel('Team').fill('Asking')
    await page.getByLabel('Team').press('Enter')
    await page.getByText(/^3 runs$/).waitFor()
    expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Team')
  })

  test('The server sorts the list by a column, also the runs that are not loaded, and the address keeps the order.', async () => {
    await open()
    await page.getByText(/^\d+ runs, and there are more$/).waitFor()
    await page.getByRole('button', { name: 'Took' }).click()
    await page.getByRole('columnheader', { name: 'Took' }).and(page.locator('[aria-sort=descending]')).waitFor()
    expect(page.url()).toContain('order=duration')
    const { items } = await troupe.user('default').orchestra.list({ order: 'duration', limit: 5 })
    const first = () =>
      page
        .locator('tbody')
        .getByRole('rowheader')
        .locator('a')
        .evaluateAll((all) => all.slice(0, 5).map((link) => link.getAttribute('title')))
    await expect.poll(first).toEqual(items.map(({ id }) => id))
    await page.reload()
    await expect.poll(first).toEqual(items.map(({ id }) => id))
    await page.getByRole('button', { name: 'Took' }).click()
    await page.getByRole('columnheader', { name: 'Age' }).and(page.locator('[aria-sort=ascending]')).waitFor()
    await open('?team=Asking&order=oldest')
    const tasks = () => page.locator('tbody').getByRole('rowheader').allInnerTexts()
    await expect.poll(tasks).toEqual(['ask one', 'ask two', 'ask three'])
  })

  test('The list is ordered by tokens and by cost, and the two orders differ.', async () => {
    const usages = [
      { task: 'long', usage: { inputTokens: 5_000, outputTokens: 0 } },
      { task: 'cheap', usage: { inputTokens: 10, outputTokens: 0 } },
      { task: 'short', usage: { inputTokens: 0, outputTokens: 1_000 } },
    ]
    const model = new MockModel({ responses: usages.map(({ usage }) => ({ text: 'Yes.', usage })) })
    const oracle = new LlmAgent({ name: 'Oracle', model })
    for (const { task } of usages) await troupe.user('default').orchestra.run({ agent: oracle, task })
    await open('?team=Oracle')
    const rows = page.locator('tbody').getByRole('row')
    const tasks = () => rows.getByRole('rowheader').locator('a').allInnerTexts()
    await expect.poll(tasks).toEqual(['short', 'cheap', 'long'])
    await page.getByRole('button', { name: 'Cost' }).click()
    await expect.poll(tasks).toEqual(['short', 'long', 'cheap'])
    expect(page.url()).toContain('order=cost')
    await rows.first().getByRole('cell', { name: '$1.00', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Tokens' }).click()
    await expect.poll(tasks).toEqual(['long', 'short', 'cheap'])
    expect(page.url()).toContain('order=tokens')
    await page.getByRole('columnheader', { name: 'Tokens' }).and(page.locator('[aria-sort=descending]')).waitFor()
  })

  test('The list in the order of status has runs that need a person first.', async () => {
    await open()
    await page.getByRole('button', { name: 'Status', exact: true }).click()
    await page.getByRole('columnheader', { name: 'Status' }).and(page.locator('[aria-sort=descending]')).waitFor()
    expect(page.url()).toContain('order=status')
    const first = () =>
      page
        .locator('tbody')
        .getByRole('rowheader')
        .locator('a')
        .evaluateAll((all) => all.slice(0, 5).map((link) => link.textContent))
    await expect.poll(first).toEqual(['ask three', 'ask two', 'ask one', 'second', '=SUM(A1), "first"'])
  })

  test('A filter is saved under a name, opens the same list again, and is forgotten.', async () => {
    await open('?status=failed')
    await page.getByLabel('Save this filter as').fill('broken')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await open()
    await page.getByRole('link', { name: 'broken' }).click()
    await page.getByText(/^2 runs$/).waitFor()
    expect(page.url()).toContain('status=failed')
    // A tab that was open before does not lose it.
    const other = await page.context().newPage()
    await other.goto(`${server.url}/#/runs?status=waiting`)
    await open('?status=failed&tags=mail')
    await page.getByLabel('Save this filter as').fill('broken mail')
    await page.keyboard.press('Enter')
    await other.getByLabel('Save this filter as').fill('waiting')
    await other.keyboard.press('Enter')
    for (const name of ['broken', 'broken mail', 'waiting'])
      await other.getByRole('button', { name: `Forget the filter ${name}`, exact: true }).click()
    await expect.poll(() => page.getByRole('button', { name: /^Forget the filter/ }).count()).toBe(0)
  })

  test('Runs that are selected are cancelled or retried, and the page says what was done.', async () => {
    await open('?team=Asking')
    await page.getByLabel('Select ask one').check()
    await page.getByLabel('Select ask two').check()
    const bulk = page.getByRole('region', { name: 'Commands for the selected runs' })
    await bulk.getByText('2 selected').waitFor()
    expect(await bulk.getByRole('button', { name: 'Retry 0' }).isDisabled()).toBe(true)
    await bulk.getByRole('button', { name: 'Cancel 2' }).click()
    expect((await troupe.user('default').orchestra.list({ status: 'cancelled' })).items).toEqual([])
    await bulk.getByRole('button', { name: 'Cancel 2 now' }).click()
    await bulk.getByText('2 of 2 cancelled.').waitFor()
    await expect.poll(() => page.getByRole('row', { name: /cancelled/ }).count()).toBe(2)
    const { items } = await troupe.user('default').orchestra.list({ status: 'cancelled' })
    expect(items.map(({ title }) => title).sort()).toEqual(['ask one', 'ask two'])
  })

  test('Selected runs with an effect of unknown outcome are resolved together.', async () => {
    const cut = () => {
      throw new ExternalServiceError('The payment was cut off.', { code: 'outcome.unknown' })
    }
    const payer = defineAgent({
      name: 'Payer',
      run: async (_, ctx) => (await ctx.effect('pay', { class: 'at-most-once' }, cut)) ?? 'paid',
    })
    const { orchestra } = troupe.user('default')
    const runs = await Promise.all(['rent', 'gas'].map((task) => orchestra.start({ agent: payer, task })))
    await Promise.all(runs.map((run) => run.result()))
    await open('?team=Payer')
    for (const task of ['rent', 'gas']) await page.getByLabel(`Select ${task}`).check()
    const bulk = page.getByRole('region', { name: 'Commands for the selected runs' })
    await bulk.getByRole('button', { name: 'Resolve as happened 2' }).click()
    await bulk.getByRole('button', { name: 'Resolve as happened 2 now' }).click()
    await bulk.getByText('2 of 2 resolved.').waitFor()
    for (const run of runs) expect(await run.result()).toMatchObject({ status: 'completed' })
  })

  test('The download holds all runs that fit, and no cell is taken for a formula.', async () => {
    await open('?status=failed')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ])
    const lines = readFileSync(await download.path(), 'utf8').split('\r\n')
    expect(lines[0]).toContain('run,task,status,error,team')
    expect(lines).toHaveLength(4)
    expect(lines.join('\n')).toContain(`"'=SUM(A1), ""first""",failed,agent.failed,Broken`)
  })

  test('The events of a run of a thousand branches are narrowed and opened, and the rows in view drawn alone.', async () => {
    const { orchestra } = troupe.user('default')
    const run = await orchestra.start({ task: 1, topology: fanOut(1_000) })
    await run.result()
    await page.goto(`${server.url}/#/runs/${run.id}`)
    const events = page.getByRole('region', { name: 'Events of the run' })
    const { seq } = await run.inspect()
    expect(seq).toBeGreaterThan(3_000)
    await page.getByRole('link', { name: `Events ${seq.toLocaleString('en')}` }).click()
    await page.getByText(`${seq.toLocaleString('en')} of ${seq.toLocaleString('en')}`).waitFor()
    await events.scrollIntoViewIfNeeded()
    await expect.poll(() => events.getByRole('listitem').count()).toBeGreaterThan(5)
    expect(await events.getByRole('listitem').count()).toBeLessThan(60)
    await events.evaluate((box) => box.scrollTo(0, box.scrollHeight))
    await events.getByRole('button', { name: /run\.completed/ }).click()
    await page
      .getByRole('region', { name: `Event ${seq}: run.completed` })
      .getByText('1000')
      .waitFor()
    await page.getByRole('combobox', { name: 'Type of the events' }).selectOption('step.started')
    await page.getByText(`1,002 of ${seq.toLocaleString('en')}`).waitFor()
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('/')
    await page.keyboard.type('Lead')
    expect(await page.getByLabel('Words of the events').inputValue()).toBe('Lead')
    await page.getByText(`2 of ${seq.toLocaleString('en')}`).waitFor()
    await page.waitForURL(/tab=events.*type=step\.started.*words=Lead|words=Lead.*type=step\.started/)
    await page.reload()
    await page.getByText(`2 of ${seq.toLocaleString('en')}`).waitFor()
    await page.getByRole('region', { name: `Event ${seq}: run.completed` }).waitFor()
  })

  test('Keys go to views, search the list, walk its rows and open one; in a field they are text.', async () => {
    await page.goto(`${server.url}/#/home`)
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    await page.getByRole('link', { name: 'ask three' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('jj ask three')
    expect(await page.getByLabel(/^Words of/).inputValue()).toBe('jj ask three')
    await open('?team=Asking')
    await page.getByRole('link', { name: 'ask one' }).waitFor()
    for (const key of ['j', 'j', 'k', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('heading', { level: 1, name: 'ask three' }).waitFor()
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keys' })
    await dialog.getByText('next and previous row').waitFor()
    await dialog.getByLabel('Keyboard shortcuts').uncheck()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await page.getByRole('heading', { level: 1, name: 'ask three' }).waitFor()
    await page.evaluate(() => localStorage.removeItem('keys'))
  })

  test('A reader sees no view and no command that the role does not have, and the server rejects them.', async () => {
    const user = troupe.user('default')
    const { orchestra, schedules, context } = user
    await schedules.create({ id: 'nightly', agent: 'Echo', task: 'x', every: '1d' })
    await context.push('shown', 'to readers')
    await user.agent('Shop').messages.send(defineMessage('order', z.string()), 'tea', { to: 'Stock' })
    const [asking] = (await orchestra.list({ status: 'waiting' })).items
    const [broken] = (await orchestra.list({ status: 'failed' })).items
    const reader = await testbed.open({ link: await server.link({ users: ['default'], role: 'readonly' }) })
    const navigation = reader.getByRole('navigation', { name: 'Views' })
    await navigation.getByRole('link', { name: 'Runs' }).waitFor()
    expect((await navigation.getByRole('link').allInnerTexts()).map((name) => name.replace(/\d+$/, '').trim())).toEqual(
      ['Home', 'Runs', 'Context', 'Messages', 'Teams', 'Agents', 'Schedules', 'Evaluations', 'Usage', 'Settings'],
    )
    const commands =
      /^(Approve|Refuse|Answer|Pause|Resume|Cancel|Retry|Fork|Undo|Edit|Run now|Deliver again|Revoke|Make|Start|Send|Run again|Set breakpoint)/
    for (const [path, seen] of [
      ['home', 'ask three'],
      ['runs', 'ask three'],
      [`runs/${asking?.id}`, 'Your role may not answer it.'],
      [`runs/${broken?.id}`, 'second'],
      [`runs/${broken?.id}?tab=time`, /^Event \d+/],
      ['context', 'to readers'],
      ['context?key=shown', 'to readers'],
      ['messages', 'Stock'],
      ['messages/Stock', /^Lane of Shop/],
      ['teams', 'No team is registered'],
      ['agents', 'Echo'],
      ['schedules', 'nightly'],
      ['evaluations', 'No experiment has started.'],
      ['usage', 'Tokens in'],
      ['settings', 'readonly'],
      // Views that are not listed for the role, but have an address.
      ['chat', 'Your role may not send a message.'],
      ['try', 'Your role may not start a run.'],
      ['playground', 'Your role may not execute recorded runs or calls again.'],
    ] as const) {
      await reader.goto(`${server.url}/#/${path}`)
      await reader.locator('main').getByText(seen).first().waitFor()
      expect(await reader.locator('main').getByRole('button', { name: commands }).allInnerTexts(), path).toEqual([])
      expect(await reader.getByRole('checkbox', { name: /^Select/ }).count(), path).toBe(0)
      expect(await reader.getByRole('columnheader', { name: 'Commands' }).count(), path).toBe(0)
    }
    const call = (method: string, path: string) =>
      reader.evaluate(
        async ([verb, at]) =>
          (
            await fetch(at as string, {
              method: verb as string,
              body: '{}',
              headers: { 'content-type': 'application/json' },
            })
          ).status,
        [method, path],
      )
    expect(await call('POST', `/v1/runs/${asking?.id}/cancel`)).toBe(403)
    expect(await call('POST', '/v1/schedules/nightly/pause')).toBe(403)
    await reader.context().close()
  })

  test('Failed runs that are selected are retried as new runs.', async () => {
    await open('?team=Broken')
    await page.getByLabel('Select second').check()
    await page.getByLabel('Select =SUM').check()
    const bulk = page.getByRole('region', { name: 'Commands for the selected runs' })
    await bulk.getByRole('button', { name: 'Retry 2' }).click()
    await bulk.getByText('2 of 2 retried.').waitFor()
    await page.getByText(/^4 runs$/).waitFor()
    const { items } = await troupe.user('default').orchestra.list({ team: 'Broken' })
    expect(items.map(({ title }) => title).sort()).toEqual([
      '=SUM(A1), "first"',
      '=SUM(A1), "first"',
      'second',
      'second',
    ])
  })

  test('The studio turns no sign for a reader who prefers reduced motion.', async () => {
    const animationOf = () =>
      page.evaluate(() => {
        const sign = document.body.appendChild(document.createElement('span'))
        sign.className = 'spinner'
        const { animationName } = getComputedStyle(sign)
        sign.remove()
        return animationName
      })
    expect(await animationOf()).toBe('turn')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await animationOf()).toBe('none')
    await page.emulateMedia({ reducedMotion: null })
  })
})
