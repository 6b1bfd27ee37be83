/** The context in a real browser, over a real server: keys, readers, versions, and changes that no other writer loses. */
import type { Page } from 'playwright-core'
import { defineAgent, finish } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { Order, type Played, play } from './studio-testbed.ts'

describeInBrowser('The context in the studio', (testbed) => {
  let played: Played
  let page: Page

  beforeAll(async () => {
    played = await testbed.use(play())
    await played.troupe.user('default').agent('Reader').context.push('letters.draft', 'a draft')
    page = await testbed.open({ link: await played.server.link() })
    await page.goto(`${played.server.url}/#/context`)
  })

  test('The list of entries in the studio changes while it is shown.', async () => {
    await page.getByRole('link', { name: 'letters.draft' }).waitFor()
    await played.troupe.user('default').context.push('letters.later', 'written by somebody else')
    await page.getByText('written by somebody else').waitFor()
    await page.getByRole('link', { name: 'letters.draft' }).click()
    await page.getByText('by Reader').first().waitFor()
  })

  test('An entry names its audience, its origin, and the difference between its versions.', async () => {
    const clerk = played.troupe.user('default').agent('Clerk')
    await clerk.context.push('letters.stored', 'the first words', { subscribers: ['Sales'], topics: ['mail'] })
    await clerk.context.push('letters.stored', 'the last words')
    await page.goto(`${played.server.url}/#/context?key=letters.stored`)
    await page.getByText('version 2 · by Clerk · for Sales, #mail').waitFor()
    expect(await page.getByRole('region', { name: 'Value of letters.stored' }).innerText()).toBe('the last words')
    expect(await page.getByRole('region', { name: 'Version 1', exact: true }).innerText()).toBe('the first words')
    const changed = page.getByRole('region', { name: 'Version 2, against version 1' })
    expect([await changed.locator('del').innerText(), await changed.locator('ins').innerText()]).toEqual([
      'first',
      'last',
    ])
    const origin = page.getByRole('region', { name: 'Where it comes from' })
    expect(await origin.locator('dl').innerText()).toMatch(/^Made by\s+Clerk$/)
  })

  test('An entry says which agents can read it and why, as the server decides it for each of them.', async () => {
    await played.troupe.user('default').agent('Echo').context.subscribe(['mail'])
    // For an agent that cannot read it, the answer is empty and no error.
    const failed: string[] = []
    page.on('response', (response) => response.status() >= 400 && failed.push(response.url()))
    await page.reload()
    const readers = page.getByRole('region', { name: 'Who can read this, and why' })
    for (const row of [
      /^Clerk Yes Owner of the entry Yes, as owner$/,
      /^Echo Yes Subscribed to #mail No$/,
      /^Reader No Not named as subscriber, and not subscribed to #mail No$/,
      /^Sales Yes Named as subscriber No$/,
    ])
      await readers.getByRole('row', { name: row }).waitFor()
    expect(failed).toEqual([])
  })

  test('An entry shows the readers that it names to a session that may not list agents.', async () => {
    const { key } = await played.troupe.apiKeys.create({
      name: 'entries',
      users: ['default'],
      operations: ['context.read'],
    })
    const other = await testbed.open()
    await other.goto(`${played.server.url}/#/context?key=letters.draft`)
    await other.getByLabel('API key').fill(key)
    await other.keyboard.press('Enter')
    const readers = other.getByRole('region', { name: 'Who can read this, and why' })
    await readers.getByRole('row', { name: /^Reader Yes Owner of the entry/ }).waitFor()
    await other.context().close()
  })

  test('An entry is edited over the version that was read, and a newer version is not lost.', async () => {
    const { context } = played.troupe.user('default').agent('Clerk')
    await page.getByRole('button', { name: 'Edit' }).click()
    const editor = page.getByRole('textbox', { name: 'New value of letters.stored' })
    await editor.fill('{"open": ')
    await page.getByText(/^This is not JSON/).waitFor()
    expect(await page.getByRole('button', { name: 'Save over version 2' }).isDisabled()).toBe(true)
    await editor.fill('{"open": true}')
    await page.getByRole('button', { name: 'Save over version 2' }).click()
    await expect.poll(() => context.get('letters.stored')).toEqual({ open: true })
    await page.getByRole('button', { name: 'Edit' }).click()
    await editor.fill('{"open": "mine"}')
    await context.push('letters.stored', { open: 'theirs' })
    await page.getByText(/^The entry changed meanwhile: it has version 4 now, by Clerk/).waitFor()
    await page.getByRole('region', { name: 'Version 4 of letters.stored' }).getByText('theirs').waitFor()
    expect(await context.get('letters.stored')).toEqual({ open: 'theirs' })
    await page.getByRole('button', { name: 'Replace version 4 instead' }).click()
    await page.getByRole('button', { name: 'Save over version 4' }).click()
    await expect.poll(() => context.get('letters.stored')).toEqual({ open: 'mine' })
    // The audience stays as it was.
    await page.getByText(/^version 5 · by the application · for Sales, #mail/).waitFor()
  })

  test('The keys of the context are a tree, whose address is a link.', async () => {
    await page.goto(`${played.server.url}/#/context?tab=tree`)
    const keys = page.getByRole('navigation', { name: 'Keys' })
    const folder = keys.locator('summary', { hasText: /^letters/ })
    await folder.waitFor()
    if (!(await keys.getByRole('link', { name: 'stored' }).isVisible())) await folder.click()
    await keys.getByRole('link', { name: 'stored' }).click()
    await page.getByRole('heading', { level: 1, name: 'letters.stored' }).waitFor()
    expect(page.url()).toContain('key=letters.stored')
    await keys.getByRole('link', { name: 'draft' }).click()
    await page.getByRole('heading', { level: 1, name: 'letters.draft' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'letters.stored' }).waitFor()
  })

  test('Names with slashes, percent signs and question marks are linked and opened.', async () => {
    const name = 'a/b %2F?c#d'
    await played.troupe.user('default').agent('Shop').messages.send(Order, { item: 'tea' }, { to: name })
    await page.goto(`${played.server.url}/#/messages`)
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    await page.getByRole('heading', { name: /^Lane of Shop/ }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: /^Lane of Shop/ }).waitFor()
    await page.goto(`${played.server.url}/#/no/such/view`)
    await page.getByRole('heading', { level: 1, name: 'Unknown page' }).waitFor()
  })

  test('An entry that a run wrote leads to its step, to what the step had read, and to its labels.', async () => {
    const user = played.troupe.user('default')
    const digest = defineAgent({
      name: 'Digest',
      run: async (_, ctx) => {
        await ctx.context.get('letters.draft')
        await ctx.context.push('letters.digest', 'short', { taint: ['untrusted:web'] })
        return finish('done') as never
      },
    })
    const { id } = await user.orchestra.start({ agent: digest, task: 'x' })
    await (await user.orchestra.get(id)).result()
    await page.goto(`${played.server.url}/#/context?key=letters.digest`)
    const origin = page.getByRole('region', { name: 'Where it comes from' })
    await origin.getByText('untrusted:web').waitFor()
    await origin.getByRole('link', { name: 'letters.draft, version 1' }).click()
    const uses = page.getByRole('region', { name: 'What came of it' })
    await uses.getByRole('link', { name: 'letters.digest' }).waitFor()
    await uses.getByRole('link', { name: '1#1' }).click()
    const inspector = page.getByRole('complementary', { name: 'Details of Digest' })
    await inspector.getByText('Read, written and sent').click()
    await inspector.getByRole('link', { name: 'letters.draft, version 1' }).waitFor()
    await inspector.getByRole('link', { name: 'letters.digest, version 1' }).click()
    await page.getByRole('heading', { level: 1, name: 'letters.digest' }).waitFor()
  })

  test('The uses of an entry are found behind the first page of entries, and the page says where the search ends.', async () => {
    const user = played.troupe.user('uses')
    const writer = defineAgent({
      name: 'Late',
      run: async (_, ctx) => {
        await ctx.context.get('source')
        await ctx.context.push('zz.use', 'late')
        return finish('done') as never
      },
    })
    const fill = (from: number, to: number) =>
      user.context.batch(
        Array.from({ length: to - from }, (_, i) => ({ type: 'push' as const, key: `many.${from + i}`, value: i })),
      )
    await user.context.push('source', 1)
    for (let n = 0; n < 400; n += 100) await fill(n, n + 100)
    await (await user.orchestra.start({ agent: writer, task: 'x' })).result()
    const own = await testbed.open({ link: await played.server.link() })
    await own.getByRole('textbox', { name: 'User' }).fill('uses')
    await own.getByRole('textbox', { name: 'User' }).press('Enter')
    await own.goto(`${played.server.url}/#/context?key=source`)
    const uses = own.getByRole('region', { name: 'What came of it' })
    await uses.getByRole('link', { name: 'zz.use' }).waitFor()
    expect(await uses.getByText(/only the first/).count()).toBe(0)
    for (let n = 400; n < 2_100; n += 100) await fill(n, n + 100)
    await own.reload()
    await uses.getByText('There are more entries: only the first 2,000 are searched.').waitFor()
    await own.context().close()
  })

  test('A mailbox shows its lanes and threads, and each can be shown alone.', async () => {
    const user = played.troupe.user('default')
    const send = (from: string, item: string, options: object) =>
      user.agent(from).messages.send(Order, { item }, { to: 'Shelf', ...options })
    await send('Shop', 'kettle', { priority: 'urgent' })
    await send('Shop', 'spoon', {})
    await send('Kitchen', 'fork', { threadId: 'dinner' })
    await page.goto(`${played.server.url}/#/messages/Shelf`)
    for (const lane of ['Lane of Shop, urgent: 1', 'Lane of Shop, normal: 1', 'Lane of Kitchen, normal: 1'])
      await page.getByRole('region', { name: lane }).waitFor()
    await page.getByRole('link', { name: 'Only this lane: Shop, urgent' }).click()
    await page.getByText('Only messages from Shop, of priority urgent').waitFor()
    await page.getByText('spoon').waitFor({ state: 'detached' })
    await page.getByText('kettle').waitFor()
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByRole('link', { name: 'dinner' }).click()
    await page.getByText('kettle').waitFor({ state: 'detached' })
    await page.getByText('fork').waitFor()
  })

  test('An entry that expires says when.', async () => {
    const { context } = played.troupe.user('default').agent('Clerk')
    await context.push('letters.offer', 'until tomorrow', { ttl: '1d' })
    await page.goto(`${played.server.url}/#/context?key=letters.offer`)
    await page.getByText(/^version 1 · by Clerk · for .* · until .*\d/).waitFor()
  })

  test('An entry that more than 50 agents could read shows 50 of them at a time, those that it names first.', async () => {
    const subscribers = Array.from({ length: 60 }, (_, i) => `Reader${i}`)
    await played.troupe.user('default').agent('Clerk').context.push('letters.all', 'to many', { subscribers })
    await page.goto(`${played.server.url}/#/context?key=letters.all`)
    const readers = page.getByRole('region', { name: 'Who can read this, and why' })
    await readers.getByText(/^Agents 1 to 50 of 6\d; those that the entry names come first\.$/).waitFor()
    await readers.getByRole('row', { name: /^Clerk Yes Owner of the entry/ }).waitFor()
    expect(await readers.getByRole('row', { name: /^Echo/ }).count()).toBe(0)
    await readers.getByRole('button', { name: 'More' }).click()
    await readers.getByText(/^Agents 51 to 6\d of 6\d;/).waitFor()
    await readers.getByRole('row', { name: /^Echo No Not named as subscriber/ }).waitFor()
    expect(await readers.getByRole('button', { name: 'More' }).isDisabled()).toBe(true)
  })
})
