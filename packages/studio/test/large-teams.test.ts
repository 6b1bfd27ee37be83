/** The drawing of a large team in a real browser: what the reader looks at stays, and the overview shows where to look. */
import type { Page } from 'playwright-core'
import { createTroupe, defineAgent, type Run, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

const size = 120
const failing = 90

describeInBrowser('The drawing of a large team', (testbed) => {
  let troupe: Troupe
  let server: Served
  let run: Run

  beforeAll(async () => {
    const agents = Array.from({ length: size }, (_, i) =>
      defineAgent<string, string>({
        name: `Agent ${i}`,
        run: async (task) => (i === failing ? Promise.reject(new Error('The line was cut off.')) : task),
      }),
    )
    const flows = agents.slice(1).map(({ name }, i) => `Agent ${i} -> ${name}`)
    troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    run = (await troupe.user('default').orchestra.start({
      topology: { agents, flows } as never,
      task: 'A long chain',
      config: { budget: { steps: 1_000 } },
    })) as Run
    expect(await run.result()).toMatchObject({ status: 'failed' })
    server = await testbed.serve(troupe)
  })

  const open = async (viewport: { readonly width: number; readonly height: number }): Promise<Page> => {
    const page = await testbed.open({ viewport, link: await server.link() })
    await page.goto(`${server.url}/#/runs/${run.id}`)
    await page.getByRole('img', { name: 'Overview of the team' }).waitFor()
    return page
  }
  /** The distance of a node from the middle of the drawing, in px. */
  const fromMiddle = async (page: Page, name: string): Promise<number> => {
    const [node, frame] = await Promise.all([
      page.locator('.node', { hasText: name }).boundingBox(),
      page.locator('.graph').boundingBox(),
    ])
    const middleOf = (box: typeof node) => (box?.x ?? Number.NaN) + (box?.width ?? 0) / 2
    return Math.abs(middleOf(node) - middleOf(frame))
  }

  test('The studio leaves in the middle what the reader looks at in a large team, when a step is opened and closed.', async () => {
    const page = await open({ width: 1_440, height: 900 })
    await expect.poll(() => fromMiddle(page, `Agent ${failing}`)).toBeLessThan(5)
    const frame = await page.locator('.graph').boundingBox()
    await page.mouse.move((frame?.x ?? 0) + 300, (frame?.y ?? 0) + 20)
    await page.mouse.down()
    await page.mouse.move((frame?.x ?? 0) + 300 + 774, (frame?.y ?? 0) + 20, { steps: 5 })
    await page.mouse.up()
    const looked = page.locator('.node', { hasText: `Agent ${failing - 5}` })
    await looked.waitFor()
    const before = await fromMiddle(page, `Agent ${failing - 5}`)
    expect(before).toBeLessThan(150)
    await page.getByRole('treeitem').first().click()
    await page.getByRole('complementary', { name: 'Details of Agent 0' }).waitFor()
    const width = async () => (await page.locator('.graph').boundingBox())?.width ?? 0
    await expect.poll(width).toBeLessThan((frame?.width ?? 0) - 100)
    await expect.poll(async () => Math.abs((await fromMiddle(page, `Agent ${failing - 5}`)) - before)).toBeLessThan(3)
    await page.keyboard.press('Escape')
    await expect.poll(width).toBe(frame?.width)
    await expect.poll(async () => Math.abs((await fromMiddle(page, `Agent ${failing - 5}`)) - before)).toBeLessThan(3)
    await page.context().close()
  })

  test('The studio opens the drawing of an ended run around its failed node, also if its events arrive in parts.', async () => {
    const page = await testbed.open({ viewport: { width: 1_440, height: 900 }, link: await server.link() })
    // The browser reads some events, and the rest only after they are drawn.
    const client = await page.context().newCDPSession(page)
    await client.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: 60_000,
      uploadThroughput: -1,
    })
    await page.goto(`${server.url}/#/runs/${run.id}`)
    await page.getByText('The events are loading:').waitFor()
    await expect.poll(() => fromMiddle(page, `Agent ${failing}`)).toBeLessThan(5)
    await page.context().close()
  })

  test('The studio draws the failed node of a long chain in its overview in a size that can be seen.', async () => {
    const page = await open({ width: 1_440, height: 900 })
    const urgent = page.locator('.react-flow__minimap .urgent')
    await urgent.waitFor({ state: 'attached' })
    expect(await urgent.count()).toBe(1)
    const [stroke, width] = await urgent.evaluate((mark) => {
      const { vectorEffect, strokeWidth } = getComputedStyle(mark)
      return [vectorEffect, Number.parseFloat(strokeWidth)] as const
    })
    expect([stroke, width]).toEqual(['non-scaling-stroke', 4])
    const overview = await page.locator('.react-flow__minimap').boundingBox()
    const frame = await page.locator('.graph').boundingBox()
    expect(overview?.height).toBeLessThan((frame?.height ?? 0) / 2)
    await page.context().close()
  })

  test('The overview of a large team on a phone is below the drawing, nearly as wide, and does not scroll sideways at 320 px.', async () => {
    const page = await open({ width: 390, height: 844 })
    const overview = await page.locator('.react-flow__minimap').boundingBox()
    const frame = await page.locator('.graph').boundingBox()
    expect(overview?.y).toBeGreaterThanOrEqual((frame?.y ?? 0) + (frame?.height ?? 0))
    expect(overview?.width).toBeGreaterThan((frame?.width ?? 0) * 0.8)
    // A page that is zoomed to 400 % is as narrow.
    await page.setViewportSize({ width: 320, height: 640 })
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
    await page.context().close()
  })
})
