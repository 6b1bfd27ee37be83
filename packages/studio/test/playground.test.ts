/** The playground while a model answers, and models without a price. */
import type { Page } from 'playwright-core'
import { createTroupe, LlmAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { PausingModel } from './pausing-model.ts'

describeInBrowser('The playground', (testbed) => {
  const model = new PausingModel({ responses: ['Yes.', 'Well, pause here.', 'Well, pause here.'] })
  let troupe: Troupe
  let server: Served
  let page: Page

  beforeAll(async () => {
    const oracle = new LlmAgent({ name: 'Oracle', instructions: 'Say yes.', model })
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [oracle] })
    await troupe.user('default').orchestra.run({ id: 'asked', agent: 'Oracle', task: 'Is it so?' })
    server = await testbed.serve(troupe)
    page = await testbed.open({ link: await server.link() })
  })

  test('The playground stops the model calls whose answers nothing shows, when its reader leaves.', async () => {
    await page.goto(`${server.url}/#/playground?run=asked`)
    await page.getByLabel('The instructions of an agent').fill('Be unsure.')
    const evaluation = page.waitForRequest(/evaluat/)
    await page.getByRole('button', { name: 'Run again' }).click()
    const request = await evaluation
    await page.getByRole('button', { name: 'Stop' }).waitFor()
    const ended = page.waitForEvent('requestfailed', (one) => one === request)
    await page.getByRole('navigation').getByRole('link', { name: 'Usage' }).click()
    await ended
  })

  test('Usage names the setting of prices as code, where the price of a model is unknown.', async () => {
    await page.goto(`${server.url}/#/usage`)
    await page.getByText(/^The prices of mock\/mock are not known/).waitFor()
    await expect.poll(() => page.locator('main code', { hasText: /^prices$/ }).count()).toBe(2)
    expect(await page.getByText('`').count()).toBe(0)
  })
})
