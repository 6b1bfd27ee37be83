/** The shifts of the layout of a page, as the browser measures them. */
import type { Page } from 'playwright-core'

export interface Shift {
  readonly value: number
  /** The elements that moved, with their boxes before and after. */
  readonly of: string
  /** The text of the page right after the shift. */
  readonly text: string
}

/** Records the shifts of each document that the page loads from now on. */
export async function recordShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: Shift[] = []
    Object.assign(window, { shifts })
    interface Source {
      readonly node?: Node | null
      readonly previousRect: DOMRectReadOnly
      readonly currentRect: DOMRectReadOnly
    }
    const boxText = ({ x, y, width, height }: DOMRectReadOnly) => [x, y, width, height].map(Math.round).join(' ')
    const name = ({ node, previousRect, currentRect }: Source) =>
      `${node instanceof Element ? `${node.tagName}.${node.className}` : String(node?.textContent)} ` +
      `from ${boxText(previousRect)} to ${boxText(currentRect)}`
    type Entry = { readonly value: number; readonly sources: readonly Source[] }
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as unknown as readonly Entry[])
        shifts.push({ value, of: sources.map(name).join(', '), text: document.body.innerText.slice(0, 1_000) })
    }).observe({ type: 'layout-shift', buffered: true })
  })
}

/** Returns the shifts since the document was loaded. */
export const readShifts = (page: Page): Promise<readonly Shift[]> =>
  page.evaluate(() => (window as unknown as { readonly shifts: readonly Shift[] }).shifts)

export const sumOfShifts = (shifts: readonly Shift[]): number => shifts.reduce((sum, { value }) => sum + value, 0)
