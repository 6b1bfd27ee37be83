/** The studio at 320 px with names, options and values that have no space. */
import { defineAgent, finish } from 'troupe'
import { expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { play } from './studio-testbed.ts'

describeInBrowser('The studio with long names', (testbed) => {
  test('The views at 320 px scroll nothing sideways for names and options without a space.', async () => {
    const { troupe, server } = await testbed.use(play())
    const user = troupe.user('default')
    const long = defineAgent({
      name: 'Q'.repeat(100),
      run: async (_, ctx) =>
        finish((await ctx.ask({ text: 'x'.repeat(1_000), options: ['y'.repeat(400), 'no'] })) as never),
    })
    const { id } = await user.orchestra.start({ agent: long, task: 'z'.repeat(1_000) })
    await user.schedules.create({ id: 's'.repeat(100), agent: 'Echo', task: 'x', every: '1d' })
    await user.context.push('k'.repeat(200), 'v'.repeat(1_000))
    const page = await testbed.open({ link: await server.link(), viewport: { width: 320, height: 800 } })
    const views = {
      home: 'yyyy',
      [`runs/${id}`]: 'yyyy',
      [`schedules?schedule=${'s'.repeat(100)}`]: 'every 1d',
      [`context?key=${'k'.repeat(200)}`]: 'vvvv',
    }
    for (const [view, text] of Object.entries(views)) {
      await page.goto(`${server.url}/#/${view}`)
      await page.getByText(text).first().waitFor()
      await expect.poll(() => page.getByText('Loading', { exact: true }).count()).toBe(0)
      expect.soft(await page.evaluate(() => document.documentElement.scrollWidth), view).toBeLessThanOrEqual(320)
    }
  })
})
