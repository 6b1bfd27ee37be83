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

  test('A text from right to left begins at the right, and keeps its full stop at its end.', async () => {
    const { troupe, server } = await testbed.use(play())
    const arabic = 'اكتب رسالة إلى العميل.'
    const asking = defineAgent({
      name: 'Asking',
      run: async (_, ctx) => finish((await ctx.ask({ text: arabic })) as never),
    })
    await troupe.user('default').orchestra.start({ agent: asking, task: arabic })
    const page = await testbed.open({ link: await server.link() })
    /** Returns where the first letter and the full stop are, and the box of the text. */
    const boundsOf = (selector: string) =>
      page
        .locator(selector)
        .filter({ hasText: new RegExp(`^${arabic}$`) })
        .first()
        .evaluate((element) => {
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
          const text = walker.nextNode() as Text
          const at = (i: number) => {
            const range = document.createRange()
            range.setStart(text, i)
            range.setEnd(text, i + 1)
            return range.getBoundingClientRect().left
          }
          const { left, right } = element.getBoundingClientRect()
          return { left, right, first: at(0), last: at(text.length - 1) }
        })
    const link = await boundsOf('.requests a')
    expect(link.first).toBeGreaterThan(link.last)
    const question = await boundsOf('.requests p')
    expect(question.first).toBeGreaterThan(question.last)
    expect(question.right - question.first).toBeLessThan(30)
    await page.goto(`${server.url}/#/chat`)
    const field = page.getByLabel('Message', { exact: true })
    await field.fill(arabic)
    expect(await field.evaluate((element) => getComputedStyle(element).unicodeBidi)).toBe('plaintext')
  })
})
