/** Each view and tab of the showcase in a real browser: axe finds nothing serious, and nothing that is shown moves. */
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { findSeriousProblems } from './accessibility.ts'
import { describeInBrowser } from './browser-testbed.ts'
import { readShifts, recordShifts, sumOfShifts } from './layout-shifts.ts'
import { createShowcase, type Showcase } from './showcase.ts'

/** ms without an answer of the server after which a view is taken for complete. */
const restMs = 250

/** The views of several answers, each of which has its place before it arrives. */
const slow =
  'run run-step run-events run-why run-time run-fork run-debug run-compare run-failed context context-entry mailbox message chat-thread team schedule usage health key audit-record'.split(
    ' ',
  )

describeInBrowser('Every view of the studio', (testbed) => {
  let shown: Showcase
  const problems: string[] = []

  beforeAll(async () => {
    shown = await testbed.use(createShowcase())
  })

  const open = async (options: Parameters<typeof testbed.open>[0] = {}) => {
    const page = await testbed.open({ reducedMotion: 'reduce', ...options })
    page.on('pageerror', (error) => problems.push(error.message))
    return page
  }
  const goTo = async (page: Page, address: string) => {
    await page.goto(`${shown.server.url}/#/${address}`)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await page.waitForFunction(() => document.querySelector('.loading') === null)
  }
  const waitUntilComplete = (page: Page) =>
    page.waitForFunction((rest) => {
      const ends = performance
        .getEntriesByType('resource')
        .map((each) => (each as PerformanceResourceTiming).responseEnd)
      return document.querySelector('.loading') === null && performance.now() - Math.max(...ends) > rest
    }, restMs)

  test('Every view is accessible, in light and in dark.', async () => {
    const page = await open({ colorScheme: 'light', link: await shown.server.link() })
    for (const [name, address] of Object.entries(shown.addresses)) {
      await goTo(page, address)
      expect.soft(await findSeriousProblems(page), name).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect.soft(await findSeriousProblems(page), `${name}, dark`).toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
    }
    expect(problems).toEqual([])
  })

  test.each([
    ['a computer', { width: 1_200, height: 900 }],
    ['a phone', { width: 390, height: 844 }],
  ])('Views with much to load shift their layout by less than 0.1 on %s.', async (_, viewport) => {
    const page = await open({ viewport })
    await recordShifts(page)
    await page.goto(await shown.server.link())
    for (const name of slow) {
      // A page without a document yet loads the view as a link from elsewhere does.
      await page.goto('about:blank')
      await goTo(page, shown.addresses[name] as string)
      await waitUntilComplete(page)
      const shifts = await readShifts(page)
      const moved = shifts.map(({ value, of }) => `${value.toFixed(3)} of ${of}`).join('\n')
      expect.soft(sumOfShifts(shifts), `${name}: ${moved}`).toBeLessThan(0.1)
    }
    await page.context().close()
  })
})
