/** Calls, branches and labels in the views of a run, in a real browser, over a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import {
  createTroupe,
  defineAgent,
  defineTool,
  finish,
  invoke,
  LlmAgent,
  type Orchestra,
  type TopologyForm,
  type Troupe,
} from 'troupe'
import type { Served } from 'troupe/server'
import { MockModel } from 'troupe/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { describeInBrowser } from './browser-testbed.ts'
import { fanOut } from './studio-testbed.ts'

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  execute: async ({ q }) => `seen ${q}`,
})

const browse = defineTool({
  name: 'browse',
  description: 'Reads a page of the web.',
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  untrusted: 'web',
  execute: async ({ q }) => `page of ${q}`,
})

describeInBrowser('The details of a run', (testbed) => {
  let troupe: Troupe
  let server: Served
  let page: Page

  const start = (options: Parameters<Orchestra['start']>[0]) => troupe.user('default').orchestra.start(options)
  const alone = (agent: { readonly name: string }) =>
    ({ agents: [agent], flows: [`${agent.name} -> End`] }) as unknown as TopologyForm
  const region = (name: string | RegExp) => page.getByRole('region', { name })
  const show = async (path: string) => {
    await page.goto(`${server.url}/#/${path}`)
  }

  beforeAll(async () => {
    const model = new MockModel({
      responses: [{ toolCalls: [{ name: 'browse', args: { q: 'tea' } }] }, 'It is hot.', 'Still hot.'],
    })
    const agents = [new LlmAgent({ name: 'Browser', model, tools: { browse } })]
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents })
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  test('The inspector and the playground show the arguments of each call of a tool that only reads.', async () => {
    const model = new MockModel({
      responses: [
        {
          toolCalls: [
            // The schema rejects the first one, so it is not recorded.
            { name: 'look', args: { q: 7 } },
            { name: 'look', args: { q: 'green tea' } },
            { name: 'look', args: { q: 'black tea' } },
          ],
        },
        'Both are hot.',
      ],
    })
    const run = await start({ task: 'tea', topology: alone(new LlmAgent({ name: 'Looker', model, tools: { look } })) })
    expect(await run.result()).toMatchObject({ response: 'Both are hot.' })
    await show(`runs/${run.id}`)
    await page.getByRole('treeitem', { name: /^Looker/ }).click()
    const rows = page.getByRole('treeitem', { name: /^tool look/ })
    // The four calls of the step are one set.
    for (const [name, value] of Object.entries({ 'aria-level': '2', 'aria-posinset': '2', 'aria-setsize': '4' }))
      await expect.poll(() => rows.first().getAttribute(name)).toBe(value)
    for (const [i, q] of ['green tea', 'black tea'].entries()) {
      await rows.nth(i).click()
      await expect.poll(() => region(/^Result|^tool look of Looker/).innerText()).toContain(q)
      expect(JSON.parse(await region(/^Arguments of tool look of Looker/).innerText())).toEqual({ q })
    }
    await show(`playground?tab=call&run=${run.id}`)
    const calls = page.getByRole('list', { name: 'Tool calls' }).getByRole('listitem')
    await calls.nth(1).waitFor()
    expect(await calls.allInnerTexts()).toEqual(['look { "q": "green tea" }', 'look { "q": "black tea" }'])
  })
  test('The facts of a retry say which of its tokens and costs were paid in the run that it retries.', async () => {
    let isOpen = false
    const responses = [{ text: 'hot', usage: { inputTokens: 900, outputTokens: 100 } }]
    const writer = new LlmAgent({ name: 'Writer', model: new MockModel({ responses }) })
    const closing = new MockModel({ responses: [{ text: 'over', usage: { inputTokens: 20, outputTokens: 5 } }] })
    const closer = new LlmAgent({ name: 'Closer', model: closing })
    const gate = defineAgent({
      name: 'Gate',
      run: async (task) => (isOpen ? task : Promise.reject(new Error('closed'))) as never,
    })
    const flows = ['Writer -> Gate', 'Gate -> Closer']
    const topology = { agents: [writer, gate, closer], flows } as unknown as TopologyForm
    const source = await start({ task: 'tea', topology })
    expect(await source.result()).toMatchObject({ status: 'failed' })
    isOpen = true
    const retry = await source.retry()
    expect(await retry.result()).toMatchObject({ status: 'completed', usage: { inputTokens: 920, outputTokens: 105 } })
    const facts = () => page.locator('.run-facts').innerText()
    await show(`runs/${retry.id}`)
    await expect.poll(facts).toContain('of these 1,000 tokens paid in the source')
    expect(await facts()).toContain('920 tokens in, 105 out')
    await show(`runs/${source.id}`)
    await expect.poll(facts).toContain('900 tokens in, 100 out')
    expect(await facts()).not.toContain('paid in the source')
  })
  test('The edges of the drawing do not move for a reader who prefers reduced motion.', async () => {
    const gate = Promise.withResolvers<void>()
    const slow = defineAgent({ name: 'Slow', run: () => gate.promise.then(() => finish('done')) })
    const run = await start({ task: 'tea', topology: { agents: [slow], flows: ['Start -> Slow', 'Slow -> End'] } })
    await show(`runs/${run.id}`)
    const edge = page.locator('.react-flow__edge.animated path').first()
    const animation = () => edge.evaluate((path) => getComputedStyle(path).animationName)
    await expect.poll(animation).toBe('dashdraw')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await animation()).toBe('none')
    await page.emulateMedia({ reducedMotion: null })
    gate.resolve()
    await run.result()
  })
  test('The bars of the timeline and the current tab are seen where the system forces its colours.', async () => {
    const run = await start({ task: 1, topology: fanOut(2) })
    await run.result()
    await show(`runs/${run.id}`)
    const colourOf = (selector: string, property: 'backgroundColor' | 'borderBottomColor') =>
      page
        .locator(selector)
        .first()
        // Whether a colour is transparent does not matter here.
        .evaluate((element, name) => getComputedStyle(element)[name].match(/\d+/g)?.slice(0, 3).join(), property)
    await page.locator('.step-bar > .bar').first().waitFor()
    await page.emulateMedia({ forcedColors: 'active' })
    const ground = await colourOf('body', 'backgroundColor')
    expect(await colourOf('.step-bar > .bar', 'backgroundColor')).not.toBe(ground)
    expect(await colourOf('.tabs a:not([aria-current])', 'borderBottomColor')).toBe(ground)
    expect(await colourOf('.tabs a[aria-current]', 'borderBottomColor')).not.toBe(ground)
    await page.emulateMedia({ forcedColors: null })
  })
  test('The timeline names the branch of each step of a run with several branches, and of no other run.', async () => {
    const run = await start({ task: 1, topology: fanOut(2) })
    expect(await run.result()).toMatchObject({ response: 2 })
    await show(`runs/${run.id}`)
    const leaves = page.getByRole('treeitem', { name: /^Leaf/ })
    await leaves.nth(1).waitFor()
    const named = await leaves.locator('.step-branch').allInnerTexts()
    const branches: string[] = []
    for await (const event of run.events())
      if (event.type === 'step.started' && event.agent === 'Leaf') branches.push(event.branch)
    expect(named).toEqual(branches)
    expect(new Set(named).size).toBe(2)
    expect(await page.getByRole('treeitem').locator('.step-branch').count()).toBe(
      await page.getByRole('treeitem').count(),
    )
    const one = defineAgent({ name: 'One', run: async () => 'one' })
    const two = defineAgent({ name: 'Two', run: async () => finish('two') })
    const chain = await start({ task: 1, topology: { agents: [one, two], flows: ['One -> Two'] } })
    await chain.result()
    await show(`runs/${chain.id}`)
    await page.getByRole('treeitem', { name: /^Two/ }).waitFor()
    expect(await page.locator('.step-branch').count()).toBe(0)
  })
  test('The labels of what a tool read are on the run, and on each message of its thread.', async () => {
    const run = await start({ task: 'read of tea', agent: 'Browser', threadId: 'labelled' })
    expect(await run.result()).toMatchObject({ response: 'It is hot.', taint: ['untrusted:web'] })
    const clean = await start({ task: 'clean', topology: alone(defineAgent({ name: 'Plain', run: async () => 'x' })) })
    await clean.result()
    await show(`runs/${run.id}`)
    await page.getByRole('main').getByText('Labels: untrusted:web', { exact: true }).waitFor()
    await show(`runs/${clean.id}`)
    await page.getByRole('heading', { name: 'Response' }).waitFor()
    expect(await page.getByText('Labels:').count()).toBe(0)
    await show('chat?with=Browser&thread=labelled')
    const answer = page.getByRole('group', { name: 'Answer of Browser' })
    await answer.getByText('Labels: untrusted:web', { exact: true }).waitFor()
    await page.getByLabel('Message').fill('and now?')
    await page.getByRole('button', { name: 'Send' }).click()
    const thread = page.getByRole('list', { name: 'Thread with Browser' })
    await thread.getByText('Still hot.').waitFor()
    const asked = thread.locator('.mine').filter({ hasText: 'and now?' })
    await asked.getByText('Labels: untrusted:web', { exact: true }).waitFor()
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  })
  test('A run that failed shows the partial response of its branches, and counts the failed ones in the graph.', async () => {
    const leaf = defineAgent({
      name: 'Leaf',
      run: async (n: number) => {
        if (n > 1) return sleep(300).then(() => Promise.reject(new Error('no such page')))
        return `page ${n}`
      },
    })
    const lead = defineAgent({
      name: 'Lead',
      run: async () => invoke([0, 1, 2].map((input) => ({ agent: 'Leaf', input }))),
    })
    const run = await start({
      task: 1,
      topology: { agents: [lead, leaf], flows: ['Start -> Lead', 'Lead <-> Leaf', 'Lead -> End'] },
    })
    expect(await run.result()).toMatchObject({ status: 'failed', response: 'page 1' })
    await show(`runs/${run.id}`)
    await page.getByRole('region', { name: 'Partial response' }).getByText('page 1').waitFor()
    await page.getByRole('group', { name: 'Leaf, 1 failed, 2 done' }).waitFor()
  })
  test('A run without steps and a step without tool calls say what to do, or what will appear.', async () => {
    const plain = defineAgent({ name: 'Plain', run: async () => finish('done') })
    const config = { debug: { breakOn: [{ agent: 'Plain' }] } } as const
    const run = await start({ task: 'tea', topology: alone(plain), config })
    await expect.poll(async () => (await run.result()).reason).toBe('breakpoint')
    await show(`runs/${run.id}?tab=steps`)
    await page.getByText('No step has begun. Each step appears here when it starts.', { exact: true }).waitFor()
    await run.resume()
    await page.getByRole('treeitem', { name: /^Plain/ }).waitFor()
    await run.result()
    await show(`playground?tab=call&run=${run.id}`)
    await page.getByText('This step called no tool. Choose another step or another run.', { exact: true }).waitFor()
  })
  test('A long timeline draws the rows in view alone, and its keys, its Tab stop and the opened step go beyond them.', async () => {
    const run = await start({ task: 1, topology: fanOut(600) })
    expect(await run.result()).toMatchObject({ response: 600 })
    const rows = page.getByRole('treeitem')
    const drawn = () => rows.count()
    const inView = (row: Locator) =>
      row.evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect()
        return top >= 0 && bottom <= innerHeight && element === document.activeElement
      })
    await show(`runs/${run.id}`)
    await page.getByRole('link', { name: 'Steps 602' }).waitFor()
    await rows.first().waitFor()
    await page.getByRole('group', { name: 'Leaf, 600 done' }).getByText('done: 600').waitFor()
    expect(await drawn()).toBeLessThan(100)
    const positionOf = (row: Locator) =>
      Promise.all(['aria-level', 'aria-posinset', 'aria-setsize'].map((name) => row.getAttribute(name)))
    expect(await positionOf(rows.first())).toEqual(['1', '1', '2'])
    expect(await positionOf(rows.nth(2))).toEqual(['2', '2', '600'])
    // The bars of all levels have one axis, at the place of its head.
    const axisOf = async (row: Locator) => {
      const { x, width } = (await row.locator('.step-bar, .step-axis').boundingBox()) ?? expect.fail('no axis')
      return { x, width }
    }
    expect(await axisOf(rows.nth(2))).toEqual(await axisOf(rows.first()))
    expect(await axisOf(rows.first())).toEqual(await axisOf(page.locator('.step-head')))
    await rows.first().focus()
    await page.keyboard.press('End')
    const last = rows.last()
    await expect.poll(() => inView(last)).toBe(true)
    expect(await last.innerText()).toMatch(/^Lead/)
    await expect.poll(drawn).toBeLessThan(100)
    await page.keyboard.press('ArrowUp')
    const leaf = rows.nth(-2)
    await expect.poll(() => inView(leaf)).toBe(true)
    const name = await leaf.innerText()
    // A row that is scrolled away stays in the tree while it has the focus, and goes on from there.
    await page.evaluate(() => scrollTo(0, 0))
    await page.getByText(/^Lead/).first().waitFor()
    await expect.poll(() => page.evaluate(() => (document.activeElement as HTMLElement).innerText)).toBe(name)
    await page.keyboard.press('Enter')
    const details = page.getByRole('complementary', { name: 'Details of Leaf' })
    await details.waitFor()
    const address = page.url()
    await page.keyboard.press('Home')
    await expect.poll(() => inView(rows.first())).toBe(true)
    await show('home')
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
    await page.goto(address)
    await details.waitFor()
    const selected = page.getByRole('treeitem', { selected: true })
    await expect.poll(() => selected.innerText()).toBe(name)
    expect(await selected.getAttribute('tabindex')).toBe('0')
    expect(await page.locator('[role=treeitem][tabindex="0"]').count()).toBe(1)
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
  })

  test('An answer whose default is an object is edited as JSON, and sent as an object.', async () => {
    const planner = defineAgent({
      name: 'Planner',
      run: async (_, ctx) => finish((await ctx.ask({ text: 'Where to?', default: { to: 'Ada', copies: 2 } })) as never),
    })
    const run = await start({ task: 'plan', topology: alone(planner) })
    expect((await run.result()).status).toBe('waiting')
    await show(`runs/${run.id}`)
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    const question = page.getByRole('group', { name: 'Question of Planner' })
    const answer = question.getByRole('textbox', { name: 'Answer' })
    await expect.poll(() => answer.innerText()).toContain('"copies": 2')
    await answer.fill('{"to":"Eve"}')
    await question.getByRole('button', { name: 'Answer' }).click()
    await page.getByRole('status', { name: 'Status of the run' }).getByText('completed').waitFor()
    expect((await run.result()).response).toEqual({ to: 'Eve' })
  })
})
