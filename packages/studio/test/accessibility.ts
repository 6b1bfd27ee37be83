/** Accessibility of a page, as axe finds it. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

/** Returns the serious and critical findings with the elements that they concern. */
export async function findSeriousProblems(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page })
    // The page has no frames: the legacy mode analyzes it without another page for each analysis.
    .setLegacyMode()
    .options({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
    .analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}
