/** The studio on a phone of 390 px: the bar at the bottom, and the width of every view. */
import { devices, type Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { findSeriousProblems } from './accessibility.ts'
import { describeInBrowser } from './browser-testbed.ts'
import { createShowcase, type Showcase } from './showcase.ts'

const width = 390

describeInBrowser('The studio on a phone', (testbed) => {
  let shown: Showcase
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    shown = await testbed.use(createShowcase())
    page = await testbed.open({ viewport: { width, height: 844 } })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(await shown.server.link())
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  })

  const bar = () => page.getByRole('navigation', { name: 'Main views' })
  const sheet = () => page.getByRole('navigation', { name: 'Views', exact: true })

  test('A bar at the bottom goes to Home, Runs and Chat, and More lists all views.', async () => {
    await bar()
      .getByRole('link', { name: /^Home \d+$/ })
      .waitFor()
    const box = await bar().boundingBox()
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBe(844)
    for (const control of await bar().locator('a, button').all())
      expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(40)
    await bar().getByRole('link', { name: 'Runs' }).click()
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    expect(await bar().locator('[aria-current]').innerText()).toBe('Runs')
    expect(await sheet().count()).toBe(0)
    await bar().getByRole('button', { name: 'More' }).click()
    await sheet().getByRole('link', { name: 'Schedules' }).click()
    await page.getByRole('heading', { level: 1, name: 'Schedules' }).waitFor()
    await sheet().waitFor({ state: 'hidden' })
    expect(await bar().locator('[aria-current]').innerText()).toBe('More')
    await bar().getByRole('button', { name: 'More' }).click()
    expect(await findSeriousProblems(page)).toEqual([])
    await page.keyboard.press('Escape')
    await sheet().waitFor({ state: 'hidden' })
  })

  test('The button that copies a value covers none of it where a finger is the pointer.', async () => {
    const link = await shown.server.link()
    const pixel = await testbed.open({ link, ...devices['Pixel 5'] })
    await pixel.goto(`${shown.server.url}/#/${shown.addresses['context-entry']}`)
    const box = pixel.locator('.with-copy').first()
    await box.waitFor()
    const gap = async () => {
      const [value, button] = [await box.locator('.value').boundingBox(), await box.locator('.button').boundingBox()]
      return (button?.y ?? Number.NaN) - (value?.y ?? 0) - (value?.height ?? 0)
    }
    // The view is drawn in parts.
    await expect.poll(gap).toBeGreaterThanOrEqual(0)
    await pixel.context().close()
  })

  test('Home leads with what waits for a person, and ends with the figures.', async () => {
    await bar().getByRole('link', { name: 'Home' }).click()
    const top = async (name: string) => (await page.getByRole('region', { name }).boundingBox())?.y ?? Number.NaN
    await page.getByRole('region', { name: 'Figures of the day' }).waitFor()
    expect(await top('Waiting for a person')).toBeLessThan(await top('Failed'))
    expect(await top('Last 24 hours')).toBeLessThan(await top('Figures of the day'))
  })

  test('A run in the list has its age, tokens and cost below its task, and a step its cost below its time.', async () => {
    await page.goto(`${shown.server.url}/#/${shown.addresses.runs}`)
    const row = page.getByRole('row', { name: /kettle arrived broken/ })
    await row.getByText(/^\d+ \w+ · 15 tokens · \$0\.006$/).waitFor()
    await page.goto(`${shown.server.url}/#/${shown.addresses.run}`)
    const step = page.locator('.step', { hasText: 'Clerk' })
    const [time, cost] = await Promise.all(
      ['.step-time', '.step-cost:last-child'].map((cell) => step.locator(cell).boundingBox()),
    )
    expect(cost?.y).toBeGreaterThan(time?.y ?? Number.NaN)
    expect(cost?.x).toBeGreaterThanOrEqual(time?.x ?? Number.NaN)
  })

  test('The buttons of a drawing are high enough for a finger, and a row of events has its text.', async () => {
    await page.goto(`${shown.server.url}/#/${shown.addresses['run-events']}`)
    const buttons = page.locator('.react-flow__controls-button')
    await buttons.first().waitFor()
    for (const button of await buttons.all()) expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(40)
    await page
      .getByRole('button', { name: /run\.started/ })
      .getByText('kettle arrived broken')
      .waitFor()
  })

  test('Every view fits the width of the phone, scrolls nothing sideways, and is accessible.', async () => {
    const wide: string[] = []
    for (const [name, address] of Object.entries(shown.addresses)) {
      await page.goto(`${shown.server.url}/#/${address}`)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      await expect.poll(() => page.getByText('Loading', { exact: true }).count()).toBe(0)
      const total = await page.evaluate(() => document.documentElement.scrollWidth)
      if (total > width) wide.push(`${name}: ${total}`)
      expect.soft(await findSeriousProblems(page), name).toEqual([])
    }
    expect(wide).toEqual([])
    expect(problems).toEqual([])
  })
})
