/** Home after many failures, in a real browser: their causes, and their ages. */
import { createTroupe, defineAgent, type Troupe } from 'troupe'
import type { Served } from 'troupe/server'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

describeInBrowser('Home after many failures', (testbed) => {
  let troupe: Troupe
  let server: Served

  beforeAll(async () => {
    troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    server = await testbed.serve(troupe)
  })

  test('Home shows a cause of failures behind many failed runs of another cause, and says since when it counts them.', async () => {
    const { orchestra } = troupe.user('default')
    const failing = (name: string) =>
      defineAgent({ name, run: () => Promise.reject(new Error(`${name} has no paper`)) })
    await (await orchestra.start({ agent: failing('Older'), task: 'first' })).result()
    const torn = failing('Torn')
    const fail = (runs: number) =>
      Promise.all(
        Array.from({ length: runs }, async (_, i) => (await orchestra.start({ agent: torn, task: `${i}` })).result()),
      )
    await fail(101)
    const page = await testbed.open({ link: await server.link() })
    const failed = page.getByRole('region', { name: 'Failed' })
    await failed.getByText('102 runs, 2 causes').waitFor()
    await failed.getByText('Older has no paper').waitFor()
    for (let i = 0; i < 9; i++) await fail(100)
    await page.reload()
    await failed.getByText(/^1 cause among the newest 1,000 runs, since .*\d:\d\d.* \S+$/).waitFor()
    await failed.getByRole('button', { name: 'Look at older failed runs' }).click()
    await failed.getByText('1,002 runs, 2 causes').waitFor()
    await failed.getByText('Older has no paper').waitFor()
    await failed.getByRole('button', { name: 'Look at older failed runs' }).waitFor({ state: 'detached' })
  })

  test('Home shows the age of a run by the clock of the server where that of the browser is hours off.', async () => {
    const context = await testbed.browser.newContext()
    await context.addInitScript(() => {
      const now = Date.now
      Date.now = () => now() + 3 * 3_600_000
    })
    const page = await context.newPage()
    await page.goto(await server.link())
    // Some of them are of the narrow form of the table.
    const ages = page.getByRole('region', { name: 'Newest runs' }).locator('time')
    await ages.first().waitFor({ state: 'attached' })
    for (const text of await ages.allTextContents()) expect(text).not.toMatch(/hr|day/)
    await context.close()
  })
})
