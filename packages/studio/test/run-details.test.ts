/** What the views of a run show of its calls, branches and labels, in a real browser, over a real server. */
import type { Page } from 'playwright-core'
import {
  createTroupe,
  defineAgent,
  defineTool,
  finish,
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
    troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
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
})
