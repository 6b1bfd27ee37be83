/** The focus in a real browser: it is seen, and it is not lost when what has it goes away. */
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { createShowcase, type Showcase } from './showcase.ts'

describeInBrowser('The focus of the studio', (testbed) => {
  let shown: Showcase
  let page: Page

  beforeAll(async () => {
    shown = await testbed.use(createShowcase())
    page = await testbed.open({ link: await shown.server.link(), colorScheme: 'dark' })
  })

  const open = async (name: string) => {
    await page.goto(`${shown.server.url}/#/${shown.addresses[name]}`)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await page.waitForFunction(() => document.querySelector('.loading') === null)
  }
  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent)
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await page.keyboard.press(key)
  }

  test('The command palette returns the focus, and does not open behind the list of the keys.', async () => {
    await open('runs')
    await page.getByRole('link', { name: 'Print the menu' }).first().focus()
    await press('Control+k')
    const palette = page.getByRole('dialog', { name: 'Command palette' })
    await palette.waitFor()
    await press('Escape')
    await palette.waitFor({ state: 'detached' })
    await expect.poll(focused).toBe('Print the menu')
    await press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await press('Control+k')
    expect(await palette.count()).toBe(0)
    await press('Escape')
    await expect.poll(focused).toBe('Print the menu')
  })

  test('A cleared selection of runs returns the focus to its first row.', async () => {
    await open('runs')
    await page.getByRole('link', { name: 'Print the menu' }).first().focus()
    await press('x')
    await page.getByRole('button', { name: 'Clear' }).focus()
    await press('Enter')
    await expect.poll(focused).toBe('Print the menu')
  })

  test('The details of a step return the focus to its row, and an event to its row.', async () => {
    await open('run-step')
    const details = page.getByRole('complementary', { name: 'Details of Reader' })
    await details.getByRole('button', { name: 'Close' }).focus()
    await press('Enter')
    await details.waitFor({ state: 'detached' })
    await expect.poll(focused).toMatch(/^Reader/)
    await open('run-events')
    const close = page.getByRole('region', { name: 'Events', exact: true }).getByRole('button', { name: 'Close' })
    await close.focus()
    await press('Escape')
    await close.waitFor({ state: 'detached' })
    await expect.poll(focused).toMatch(/^2/)
  })

  test('Escape closes the plan of an undo and the form of a fork, and the focus returns to their buttons.', async () => {
    await open('run-failed')
    for (const [name, panel] of [
      ['Undo…', 'Undo of the run'],
      ['Fork…', 'Fork from here'],
    ] as const) {
      await page.getByRole('button', { name, exact: true }).focus()
      await press('Enter')
      await page.getByRole('group', { name: panel }).waitFor()
      await press('Escape')
      await page.getByRole('group', { name: panel }).waitFor({ state: 'detached' })
      await expect.poll(focused).toBe(name)
    }
    await page.getByRole('button', { name: 'Fork here…' }).focus()
    await press('Enter')
    await page.getByRole('group', { name: 'Fork from here' }).waitFor()
    await press('Escape')
    await expect.poll(focused).toBe('Fork here…')
  })

  test('A button that is off after its last press stays focused.', async () => {
    await open('run-time')
    const before = page.getByRole('button', { name: 'Event before', exact: true })
    await before.focus()
    for (let i = 0; i < 8; i++) await press('Enter')
    await page.getByText(/^Event 1: run\.started/).waitFor()
    expect(await before.isDisabled()).toBe(true)
    expect(await focused()).toBe('Event before')
    await press('Enter')
    await page.getByText(/^Event 1: run\.started/).waitFor()
  })

  test('Each element that a keyboard reaches on Home and on a run shows the focus.', async () => {
    for (const name of ['home', 'run', 'run-fork', 'team']) {
      await open(name)
      await page.locator('main').focus()
      for (let i = 0; i < 150; i++) {
        await press('Tab')
        const unseen = await page.evaluate(() => {
          const target = document.activeElement as HTMLElement
          if (target === document.body) return 'end'
          const marked = target.closest('.editor') ?? (target.matches('.file-button *') ? target.parentElement : target)
          const { outlineStyle, outlineWidth } = getComputedStyle(marked ?? target)
          return outlineStyle === 'solid' && Number.parseFloat(outlineWidth) >= 2 ? '' : target.outerHTML
        })
        if (unseen === 'end') break
        expect.soft(unseen, name).toBe('')
      }
    }
  })
})
