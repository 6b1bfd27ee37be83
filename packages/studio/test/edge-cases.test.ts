/** The page when things are large, hidden, going wrong or taken away: what a person sees at night. */
import type { BrowserContext, Page } from 'playwright-core'
import { defineAgent, ExternalServiceError, finish, invoke, LlmAgent, patterns, type TopologyForm } from 'troupe'
import { MockModel } from 'troupe/testing'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { Order, type Played, play } from './studio-testbed.ts'

const asking = (name: string, question: object) =>
  defineAgent({ name, run: async (_, ctx) => finish((await ctx.ask(question as never)) as never) })

describeInBrowser('the page at night', (testbed) => {
  let played: Played
  const contexts: BrowserContext[] = []

  beforeAll(async () => {
    played = await testbed.use(play())
  })
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
  })

  const open = async (at = 'home'): Promise<Page> => {
    const page = await testbed.open({ link: await played.server.link() })
    contexts.push(page.context())
    await page.goto(`${played.server.url}/#/${at}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page
  }
  const start = async (topology: TopologyForm, config = {}) =>
    played.troupe.user('default').orchestra.start({ task: 'x', topology, config })
  const alone = (agent: ReturnType<typeof defineAgent>) =>
    ({ agents: [agent], flows: [`${agent.name} -> End`] }) as unknown as TopologyForm
  const active = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent)

  test('The studio shows an approval completely, with invisible characters as codes.', async () => {
    const args = {
      to: '\u202ebob\u200b\u3164\u{e0101}\u00a0x',
      note: `${'and so on '.repeat(3_000)}the end`,
      family: '👩\u200d👧',
      می: 'می\u200cشود',
    }
    const run = await start(
      alone(asking('Payer', { kind: 'approval', text: 'Pay \u202e\u0430dmin?', tool: 'pay', args })),
    )
    const page = await open(`runs/${run.id}`)
    const shown = await page.getByRole('region', { name: 'Arguments of pay' }).innerText()
    expect(shown).toContain('"to": "\\u{202e}bob\\u{200b}\\u{3164}\\u{e0101}\\u{a0}x"')
    expect(shown).toContain('the end')
    // As in the text of the question on each other surface.
    expect(shown).toContain('👩\\u{200d}👧')
    expect(shown).toContain('می\\u{200c}شود')
    await page.getByText('Pay \\u{202e}\\u{430}dmin (mixes Latin and Cyrillic)?').waitFor()
  })

  test('The studio cuts a long value, and shows all of it on request.', async () => {
    await played.troupe.user('default').context.push('long', `${'x'.repeat(30_000)}the end`)
    const page = await open('context?key=long')
    const value = page.getByRole('region', { name: 'Value of long' })
    expect(await value.innerText()).not.toContain('the end')
    await page.getByRole('button', { name: 'Show 10,007 more characters of Value of long' }).click()
    expect(await value.innerText()).toContain('the end')
  })

  test('The studio lets any option be chosen by keyboard, and keeps the focus when the question closes.', async () => {
    const run = await start(
      alone(asking('Chooser', { kind: 'choice', text: 'Which?', options: ['red', 'blue', 'green', ''] })),
    )
    const page = await open(`runs/${run.id}`)
    // Home, which is left, asks the same question.
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    const answer = page.getByRole('combobox', { name: 'Answer' })
    await answer.focus()
    await page.keyboard.press('(')
    await expect.poll(() => answer.locator('option:checked').innerText()).toBe('(nothing)')
    await page.getByRole('button', { name: 'Answer' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    await page.getByText('Chooser asks').waitFor({ state: 'detached' })
    await expect.poll(() => active(page)).toBe('main')
    expect((await run.result()).response).toBe('')
  })

  test('The studio shows that a pause lets steps end first, and keeps the focus on its button.', async () => {
    const gate = Promise.withResolvers<void>()
    const busy = defineAgent({ name: 'Busy', run: () => gate.promise })
    const run = await start(alone(busy))
    const page = await open(`runs/${run.id}`)
    await page.getByRole('button', { name: 'Pause' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('running: pausing, when its steps have ended').waitFor()
    expect(await active(page)).toBe('Resume')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    expect(await active(page)).toBe('Pause')
    gate.resolve()
    await run.result()
  })

  test('The studio lets a person resolve an uncertain effect of a waiting run.', async () => {
    const cut = () => {
      throw new ExternalServiceError('The payment was cut off.', { code: 'outcome.unknown' })
    }
    const payer = defineAgent({
      name: 'Payer',
      run: async (_, ctx) =>
        finish(
          (await ctx.effect('pay', { class: 'at-most-once', key: 'order-17', input: { amount: 250 } }, cut)) as never,
        ),
    })
    const run = await start(alone(payer))
    expect((await run.result()).status).toBe('waiting')
    const page = await open()
    const waiting = page.getByRole('region', { name: 'Waiting for a person' })
    await waiting.getByText('it is unknown whether pay happened').waitFor()
    await page.goto(`${played.server.url}/#/runs/${run.id}`)
    // Home, which is shown until then, has the same effect.
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    const effect = page.getByRole('group', { name: 'Outcome of pay' })
    await effect.getByText('at-most-once · idempotency key order-17').waitFor()
    await effect.getByText('250').waitFor()
    await page.getByLabel('What it gave').fill('{"receipt":')
    await page.getByText('This is not JSON, so it is used as text', { exact: false }).waitFor()
    await page.getByLabel('What it gave').fill('{"receipt":7}')
    await page.getByRole('button', { name: 'It happened' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    expect((await run.result()).response).toEqual({ receipt: 7 })
  })

  test('The page of a run that does not exist reports that the run is unknown.', async () => {
    const page = await open('runs/nowhere')
    await page.getByText('nowhere', { exact: false }).first().waitFor()
    await page.getByText('There is no run with the id "nowhere".', { exact: false }).waitFor()
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0)
  })

  test('The studio resumes a run that waits at a breakpoint.', async () => {
    const agent = defineAgent({ name: 'Stopped', run: async () => finish('done') })
    const run = await start(alone(agent), { debug: { breakOn: [{ agent: 'Stopped' }] } })
    const page = await open(`runs/${run.id}`)
    await page.getByText('waiting: breakpoint').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
  })

  test('The studio filters the failed steps among many.', async () => {
    const leaf = defineAgent<number>({
      name: 'Leaf',
      run: (n) => (n === 117 ? Promise.reject(new Error('the 117th is torn')) : Promise.resolve(n)),
    })
    const hub = defineAgent<unknown>({
      name: 'Hub',
      run: async (input) =>
        typeof input === 'string'
          ? invoke(Array.from({ length: 120 }, (_, n) => ({ agent: 'Leaf', input: n })))
          : (finish('all') as never),
    })
    const flows = ['Hub <-> Leaf', 'Hub -> End']
    const run = await start({ agents: [hub, leaf], flows } as never, { onFailure: 'collect' })
    await run.result()
    const page = await open(`runs/${run.id}`)
    await page.getByRole('combobox', { name: 'Steps that are' }).selectOption('failed · 1')
    expect(await page.getByRole('treeitem').count()).toBe(1)
    await page.getByRole('treeitem', { name: /^Leaf/ }).click()
    await page.getByRole('complementary').getByText('the 117th is torn').waitFor()
    await page.reload()
    await page.getByRole('complementary').getByText('the 117th is torn').waitFor()
    expect(await page.getByRole('combobox', { name: 'Steps that are' }).inputValue()).toBe('failed')
  })

  test('The studio preserves a search and its position across a reload and back navigation.', async () => {
    const { context } = played.troupe.user('default')
    const ops = Array.from({ length: 120 }, (_, i) => ({
      type: 'push' as const,
      key: `many.${String(i).padStart(3, '0')}`,
      value: i,
    }))
    await context.batch(ops, { atomic: true })
    const page = await open('context')
    await page.getByLabel('Keys that begin with').fill('many.')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByRole('link', { name: 'many.000' }).waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('link', { name: 'many.050' }).waitFor()
    await page.reload()
    await page.getByRole('link', { name: 'many.050' }).click()
    await page.getByRole('heading', { level: 1, name: 'many.050' }).waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'many.051' }).waitFor()
    expect(await page.getByLabel('Keys that begin with').inputValue()).toBe('many.')
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('link', { name: 'many.000' }).waitFor()
  })

  test('The studio filters runs by status from the figures of the home view.', async () => {
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('out of paper')) })
    await (await start(alone(broken))).result()
    const page = await open()
    await page
      .getByRole('region', { name: 'Figures of the day' })
      .getByRole('link', { name: /^Failed/ })
      .click()
    await page
      .getByRole('row', { name: /failed Broken/ })
      .first()
      .waitFor()
    expect(await page.getByRole('combobox', { name: 'Status' }).inputValue()).toBe('failed')
    expect(await page.getByRole('row', { name: /completed/ }).count()).toBe(0)
  })

  test('The studio shows the entry of the empty key like any other.', async () => {
    await played.troupe.user('default').context.push('', 'nameless')
    const page = await open('context')
    await page.getByRole('link', { name: '(the empty key)' }).click()
    await page.getByRole('heading', { level: 1, name: '(the empty key)' }).waitFor()
    expect(await page.locator('pre').first().innerText()).toBe('nameless')
  })

  test('The studio does not confuse an entry whose key is a folder to browsers with another entry.', async () => {
    const { context } = played.troupe.user('default')
    await context.batch([
      { type: 'push', key: '', value: 'nameless' },
      { type: 'push', key: '.', value: 'dot' },
    ])
    const page = await open('context?key=.')
    await page.getByText('No address can hold this key').waitFor()
    expect(await page.locator('main').innerText()).not.toContain('nameless')
  })

  test('The studio lets a team with a long name be chosen on a phone.', async () => {
    const page = await open()
    await page.setViewportSize({ width: 360, height: 700 })
    await page.route('**/v1/teams*', (route) => route.fulfill({ json: { items: [{ name: 'n'.repeat(200) }] } }))
    await page.goto(`${played.server.url}/#/try`)
    await page.reload()
    await page.getByRole('combobox', { name: 'Team or agent' }).getByText('nnn').waitFor({ state: 'attached' })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  })

  test('The studio does not show an unreachable server as ready.', async () => {
    const page = await open()
    const server = page.getByRole('status', { name: 'The server' })
    await server.getByText('ready').waitFor()
    await page.context().setOffline(true)
    await server.getByText('failed: cannot be reached').waitFor()
    await page.context().setOffline(false)
    await server.getByText('ready').waitFor()
  })

  test('The studio in hidden tabs uses no connection of the visible tab, and catches up.', async () => {
    const first = await open('context')
    const hide = (page: Page, hidden: boolean) =>
      page.evaluate((now) => {
        Object.defineProperty(document, 'hidden', { value: now, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    const { context } = played.troupe.user('default')
    // Before whatever else is there, on the first page.
    const shown = (page: Page, name: string) => page.getByRole('link', { name }).waitFor({ timeout: 20_000 })
    await context.push('0.before', 1)
    await shown(first, '0.before')
    // A browser opens six connections to a server.
    for (let last = first, tabs = 0; tabs < 6; tabs++) {
      await hide(last, true)
      last = await first.context().newPage()
      await last.goto(`${played.server.url}/#/context`)
      await shown(last, '0.before')
    }
    await context.push('0.while', 1)
    await hide(first, false)
    await shown(first, '0.while')
    await context.push('0.after', 1)
    await shown(first, '0.after')
  })

  test('The studio lists mailboxes in pages, and asks for no more than they contain.', async () => {
    const shop = played.troupe.user('default').agent('Shop')
    const boxes = Array.from({ length: 30 }, (_, i) => `Box-${String(i).padStart(2, '0')}`)
    for (const to of boxes) await shop.messages.send(Order, { item: 'tea' }, { to })
    const page = await open('agents')
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${played.server.url}/#/messages`)
    await page.getByRole('row', { name: /Box-24 1 0 1 0/ }).waitFor()
    expect(await page.getByRole('row').count()).toBe(26)
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('row', { name: /Box-29 1 0 1 0/ }).waitFor()
    expect(asked.filter((url) => url.includes('dead-letters'))).toEqual([])
  })

  test('The studio keeps the team visible while its run continues.', async () => {
    const hub = defineAgent<unknown>({
      name: 'Asks',
      run: async (input, ctx) => {
        for (let i = 0; i < 40; i++) await ctx.ask({ text: `${i}` })
        return finish(input as never)
      },
    })
    const run = await start(alone(hub as never))
    const page = await open(`runs/${run.id}`)
    await page.getByLabel('Asks, waiting').waitFor()
    await page.locator('.react-flow__edge').first().waitFor({ state: 'attached' })
    await page.evaluate(() => {
      const seen = { hidden: 0, changed: 0 }
      Object.assign(window, { seen })
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          seen.changed++
          if ((target as HTMLElement).style.visibility === 'hidden') seen.hidden++
        }
      }).observe(document.querySelector('.react-flow__nodes') as Element, { attributes: true, subtree: true })
    })
    for (let i = 0; i < 40; i++) {
      const { questions } = await run.result()
      await run.answer(questions[0]?.id ?? '', 'on')
    }
    await page.getByLabel('Asks, done').waitFor()
    const seen = await page.evaluate(() => (window as unknown as { seen: { hidden: number; changed: number } }).seen)
    expect(seen.changed).toBeGreaterThan(0)
    expect(seen.hidden).toBe(0)
  })

  test('The studio shows images of a result and of a prompt, saves other files, and loads no URL.', async () => {
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const model = new MockModel({ responses: ['Seen.'] })
    const viewer = new LlmAgent({ name: 'Viewer', model })
    const camera = defineAgent({
      name: 'Camera',
      run: async () =>
        [
          { type: 'text', text: 'The screen.' },
          { type: 'file', mediaType: 'image/png', data: png, filename: 'shot.png' },
          { type: 'file', mediaType: 'image/svg+xml', data: Buffer.from('<svg/>').toString('base64') },
          { type: 'file', mediaType: 'text/csv; charset=utf-8', data: Buffer.from('a,b').toString('base64') },
        ] as never,
    })
    const run = await start({ agents: [camera, viewer], flows: ['Camera -> Viewer', 'Viewer -> End'] } as never)
    await run.result()
    const linked = await start(
      alone(
        defineAgent({
          name: 'Link',
          run: async () =>
            finish([{ type: 'file', mediaType: 'image/png', data: 'http://127.0.0.1:9/a.png' }] as never),
        }),
      ),
    )
    await linked.result()
    const shown = await start(alone(camera))
    await shown.result()
    const page = await open(`runs/${shown.id}`)
    const picture = page.getByRole('img', { name: 'shot.png' }).first()
    await picture.waitFor()
    expect(await picture.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth)).toBe(1)
    await page.getByRole('link', { name: 'Save image/svg+xml' }).first().waitFor()
    expect(await page.locator('img[src*="svg+xml"]').count()).toBe(0)
    const table = page.getByRole('link', { name: 'Save text/csv; charset=utf-8' }).first()
    expect(await table.getAttribute('href')).toBe('data:application/octet-stream;base64,YSxi')
    const prompt = await open(`runs/${run.id}`)
    await prompt.getByRole('treeitem', { name: /^Viewer/ }).click()
    await prompt.getByRole('treeitem', { name: /^model call 1/ }).click()
    await prompt.getByRole('img', { name: 'shot.png' }).first().waitFor()
    const requests: string[] = []
    const other = await open(`runs/${linked.id}`)
    other.on('request', (request) => requests.push(request.url()))
    await other.getByRole('link', { name: 'http://127.0.0.1:9/a.png' }).first().waitFor()
    expect(requests.filter((each) => each.includes(':9/'))).toEqual([])
  })

  test('The studio opens a team of two hundred agents in readable size with an overview, and fits it into its frame on request.', async () => {
    const agent = (name: string) => defineAgent({ name, run: async () => finish('done') })
    const spokes = Array.from({ length: 200 }, (_, i) => agent(`Spoke-${i}`))
    const run = await start(patterns.hubAndSpoke({ hub: agent('Hub'), spokes }) as never)
    await run.result()
    const page = await open(`runs/${run.id}`)
    const widthOf = async () => (await page.locator('.node').first().boundingBox())?.width ?? 0
    await expect.poll(widthOf).toBeGreaterThan(100)
    await page.getByRole('img', { name: 'Overview of the team' }).waitFor()
    await page.locator('.graph').getByRole('button', { name: 'Fit View' }).click()
    await expect.poll(() => page.locator('.node').count()).toBe(203)
    const inside = () =>
      page.evaluate(() => {
        const frame = document.querySelector('.graph')?.getBoundingClientRect()
        const boxes = [...document.querySelectorAll('.node')].map((node) => node.getBoundingClientRect())
        const fits = (box: DOMRect) =>
          frame &&
          box.left >= frame.left &&
          box.right <= frame.right &&
          box.top >= frame.top &&
          box.bottom <= frame.bottom
        return { fit: boxes.filter(fits).length, width: boxes[0]?.width ?? 0 }
      })
    await expect.poll(async () => (await inside()).fit).toBe(203)
    expect((await inside()).width).toBeGreaterThan(40)
  })
})
