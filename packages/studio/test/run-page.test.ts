/** The page of one run: its title, the command that ends it, its times, and why it is in its state. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, ExternalServiceError, finish, handOff, invoke, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

const rounds = 30
const asker = defineAgent({
  name: 'Asker',
  run: async (_, ctx) => finish((await ctx.ask({ text: 'Which?', options: ['left', 'right'] })) as never),
})
const sender = defineAgent({
  name: 'Sender',
  run: async (_, ctx) =>
    finish(
      (await ctx.effect('send', { class: 'at-most-once', key: 'one' }, () => {
        throw new ExternalServiceError('The connection was cut off.', { code: 'outcome.unknown' })
      })) as never,
    ),
})
const ping = defineAgent({
  name: 'Ping',
  run: async (left: number) => (left === 0 ? finish('over' as never) : handOff('Pong', left as never)),
})
const pong = defineAgent({ name: 'Pong', run: async (left: number) => handOff('Ping', (left - 1) as never) })

describeInBrowser('The page of a run', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [asker, sender] })
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  const start = (agent: string, task: string) => troupe.user('default').orchestra.start({ agent, task })
  const open = async (id: string, search = '') => {
    await page.goto(`${server.url}/#/runs/${id}${search}`)
    await page.getByRole('navigation', { name: 'Parts of the run' }).waitFor()
  }
  const facts = () => page.locator('.run-facts').innerText()

  test('The title of the page names a run by its task, and the next view by its own name.', async () => {
    const run = await start('Asker', 'Prices of five kettles')
    await open(run.id)
    await expect.poll(() => page.title()).toMatch(/^\(\d+\) Prices of five kettles · Runs · default · Troupe$/)
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Runs' }).click()
    await expect.poll(() => page.title()).toMatch(/^\(\d+\) Runs · default · Troupe$/)
    await page.goBack()
    await expect.poll(() => page.title()).toContain('kettles')
    const user = page.getByRole('textbox', { name: 'User', exact: true })
    await user.fill('ada')
    await user.press('Enter')
    await page.getByRole('heading', { name: 'Unknown run' }).waitFor()
    await expect.poll(() => page.title()).not.toContain('kettles')
    await user.fill('')
    await user.press('Enter')
    await run.cancel()
  })

  test('The page of a run cancels it at the second press, and a first press alone is withdrawn with the focus.', async () => {
    const run = await start('Asker', 'A run that is cancelled')
    await open(run.id)
    const first = page.getByRole('button', { name: 'Cancel', exact: true })
    const second = page.getByRole('button', { name: 'Cancel now', exact: true })
    await first.click()
    await second.waitFor()
    await page.getByRole('button', { name: 'Copy id of the run' }).focus()
    await first.waitFor()
    expect((await run.status()).status).toBe('waiting')
    await first.click()
    await second.click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('cancelled').waitFor()
    expect((await run.status()).status).toBe('cancelled')
  })

  test('The page of a run says when it started, and does not count as work what it waited.', async () => {
    const answered = await start('Asker', 'A run that waits for an answer')
    const uncertain = await start('Sender', 'A run that waits for an outcome')
    await expect.poll(async () => (await uncertain.result()).status).toBe('waiting')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await open(uncertain.id)
    await expect.poll(facts).toMatch(/started \d+ sec ago .* worked \d+ ms · waited [2-9] sec/)
    const { questions } = await answered.result()
    await answered.answer(questions[0]?.id ?? '', 'left')
    await answered.result()
    await open(answered.id)
    await expect.poll(facts).toMatch(/worked \d+ ms · waited [2-9](\.\d)? sec/)
  })

  test('Verify replay says how many events the replay of the journal has, and that nothing was called.', async () => {
    const run = await start('Asker', 'A run that is replayed')
    const { questions } = await run.result()
    await run.answer(questions[0]?.id ?? '', 'left')
    await run.result()
    await open(run.id)
    await page.getByRole('button', { name: 'Verify replay' }).click()
    await page
      .getByText(/^The replay of the journal has the same \d+ events\. No model and no tool was called\.$/)
      .waitFor()
  })

  test('Why shows the newest part of a long path, and all of it on request.', async () => {
    const run = await troupe.user('default').orchestra.start({
      task: rounds,
      topology: { agents: [ping, pong], flows: ['Start -> Ping', 'Ping -> Pong', 'Pong -> Ping', 'Ping -> End'] },
      config: { guards: { repetition: false, pingPong: false } },
    })
    expect(await run.result()).toMatchObject({ status: 'completed' })
    await open(run.id, '?tab=why')
    const why = page.getByRole('region', { name: 'Why' })
    const moves = why.getByText(/^The branch moved from/)
    await expect.poll(() => moves.count()).toBe(20)
    await why.getByRole('button', { name: /^Show \d+ earlier$/ }).click()
    await expect.poll(() => moves.count()).toBe(2 * rounds)
    await why.getByRole('button', { name: 'Show only the newest' }).click()
    await expect.poll(() => moves.count()).toBe(20)
  })

  test('The error of a run leads to the step that failed among many.', async () => {
    const lead = defineAgent({
      name: 'Lead',
      run: async () => invoke(Array.from({ length: 30 }, (_, n) => ({ agent: 'Leaf', input: n }))),
    })
    const leaf = defineAgent({
      name: 'Leaf',
      run: async (n: number) => (n === 17 ? Promise.reject(new Error('the 17th is torn')) : n),
    })
    const topology = { agents: [lead, leaf], flows: ['Start -> Lead', 'Lead <-> Leaf', 'Lead -> End'] }
    const run = await troupe.user('default').orchestra.start({ topology: topology as never, task: 'Read the leaves' })
    expect(await run.result()).toMatchObject({ status: 'failed' })
    await open(run.id)
    await page
      .getByRole('alert')
      .getByRole('link', { name: /^Leaf in step/ })
      .first()
      .click()
    await page.getByRole('complementary').getByText('the 17th is torn').waitFor()
  })

  test('A step that is opened beside the timeline cuts no duration off, at any width of the window.', async () => {
    const run = await start('Asker', 'A run on a tablet')
    await run.result()
    await open(run.id, `?tab=steps&step=${encodeURIComponent('1#1')}`)
    await page.getByRole('complementary', { name: 'Details of Asker' }).waitFor()
    const isCut = () =>
      page.evaluate(() => {
        const tree = document.querySelector('.timeline')?.getBoundingClientRect().right ?? 0
        return [...document.querySelectorAll('.step-time')].some((cell) => cell.getBoundingClientRect().right > tree)
      })
    for (const width of [660, 820, 900, 1_000, 1_100, 1_279]) {
      await page.setViewportSize({ width, height: 900 })
      await expect.poll(isCut, { message: `${width} px` }).toBe(false)
    }
    await run.cancel()
  })

  test('The page of a failed run leads to its retry, and the pages of a retry and of a fork to the run that they continue.', async () => {
    const torn = defineAgent({ name: 'Torn', run: () => Promise.reject(new Error('no paper')) })
    const run = await troupe.user('default').orchestra.start({ agent: torn, task: 'Print' })
    await run.result()
    await open(run.id)
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.waitForURL((url) => !url.hash.includes(run.id))
    await expect.poll(facts).toContain(`retry of ${run.id}`)
    const fork = await troupe.user('default').orchestra.fork(run.id, { at: 1 })
    await open(fork.id)
    await expect.poll(facts).toContain(`fork of ${run.id}`)
    await page.locator('.run-facts').getByRole('link', { name: run.id }).click()
    await page.waitForURL((url) => url.hash.includes(run.id))
    await page.getByText(/^Retried as .*: failed\.$/).waitFor()
  })
})
