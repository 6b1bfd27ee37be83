/** A report in the page: Markdown that an agent wrote is rendered, and nothing in it acts. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { defineAgent, finish, type TopologyForm } from 'troupe'
import { beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'
import { type Played, play } from './studio-testbed.ts'

const report = `# Tea

Tea is a **drink** [1]. See [the source](https://example.com/tea).

| leaf | minutes |
|---|---:|
| green | 2 |

\`\`\`ts
const minutes = 2
\`\`\`
`

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const hostile = `# Planted

<script>document.title = 'broken into'</script>

<img src="http://127.0.0.1:9/raw.png" onerror="document.title='broken into'">
<svg onload="document.title='broken into'"></svg>
<style>body { display: none }</style>
<form action="http://127.0.0.1:9/form"><input name="password"></form>

![pixel](http://127.0.0.1:9/pixel.png)
![onerror](x"onerror="document.title='broken into')
[script](javascript:document.title='broken%20into')
[entity](&#106;avascript:document.title='broken%20into')
[data](data:text/html,<script>alert(1)</script>)
[command](#/runs)
<a href="javascript:document.title='broken into'" onclick="document.title='broken into'">raw link</a>

| <iframe src="http://127.0.0.1:9/frame"></iframe> | \u202ehidden |
|---|---|
| <b onmouseover="document.title='broken into'">cell</b> | x |
`

describeInBrowser('reports in the page', (testbed) => {
  let played: Played
  beforeAll(async () => {
    played = await testbed.use(play())
  })

  const show = async (response: string | object): Promise<{ readonly page: Page; readonly requests: string[] }> => {
    const writer = defineAgent({ name: 'Writer', run: async () => finish(response as never) })
    const topology = { agents: [writer], flows: ['Writer -> End'] } as unknown as TopologyForm
    const run = await played.troupe.user('default').orchestra.start({ task: 'x', topology })
    await run.result()
    const page = await testbed.open()
    const requests: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(await played.server.link())
    await page.goto(`${played.server.url}/#/runs/${run.id}`)
    await page.getByRole('heading', { name: 'Response' }).waitFor()
    return { page, requests }
  }

  test('The studio renders a Markdown response with its tables and code, and shows the raw text on request.', async () => {
    const { page } = await show(report)
    const shown = page.getByRole('article', { name: 'Response of the team' })
    await shown.getByRole('heading', { level: 3, name: 'Tea' }).waitFor()
    expect(await shown.getByRole('cell').allInnerTexts()).toEqual(['green', '2'])
    expect(await shown.locator('pre code').innerText()).toBe('const minutes = 2\n')
    const link = shown.getByRole('link', { name: 'the source' })
    expect([await link.getAttribute('href'), await link.getAttribute('rel')]).toEqual([
      'https://example.com/tea',
      'noopener noreferrer',
    ])
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
    await page.getByRole('button', { name: 'Show raw' }).click()
    expect(await page.getByRole('region', { name: 'Response of the team' }).innerText()).toContain('| green | 2 |')
    await page.getByRole('button', { name: 'Show rendered' }).click()
    await shown.getByRole('cell', { name: 'green' }).waitFor()
    await page.context().close()
  })

  test('The studio renders the report of a response with other fields, and its raw value holds them all.', async () => {
    const { page } = await show({ status: 'completed', notes: ['a'], final_report: report })
    await page.getByRole('article').getByRole('heading', { name: 'Tea' }).waitFor()
    await page.getByRole('button', { name: 'Show raw' }).click()
    expect(await page.getByRole('region', { name: 'Response of the team' }).innerText()).toContain(
      '"status": "completed"',
    )
    await page.context().close()
  })

  test.each<readonly [string, (text: object, file: object) => object]>([
    ['A text and an image', (text, file) => [text, file]],
    ['An object with a report and an image', (text, file) => ({ report, chart: file, sources: [text] })],
  ])('%s in a response are shown as Markdown with the image below.', async (_, response) => {
    const file = { type: 'file', mediaType: 'image/png', data: png, filename: 'chart.png' }
    const { page } = await show(response({ type: 'text', text: report }, file))
    await page.getByRole('article', { name: 'Response of the team' }).getByRole('heading', { name: 'Tea' }).waitFor()
    const picture = page.getByRole('region', { name: 'Response' }).getByRole('img', { name: 'chart.png' })
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth)).toBe(1)
    expect(await page.getByRole('region', { name: 'Response of the team' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Show raw' }).click()
    expect(await page.getByRole('region', { name: 'Response of the team' }).innerText()).toContain('"mediaType"')
    await page.context().close()
  })

  test('A response of plain texts and a file is shown as its texts with the file below.', async () => {
    const file = { type: 'file', mediaType: 'text/csv', data: 'YSxi', filename: 'table.csv' }
    const { page } = await show([{ type: 'text', text: 'Two columns.' }, file])
    expect(await page.getByRole('region', { name: 'Response of the team' }).innerText()).toBe('Two columns.')
    expect(await page.getByRole('link', { name: 'Save table.csv' }).count()).toBe(1)
    await page.context().close()
  })

  test('The studio shows a response that is no Markdown as text.', async () => {
    const { page } = await show('The letter is sent * once.')
    await page.getByRole('region', { name: 'Response of the team' }).getByText('The letter is sent * once.').waitFor()
    expect(await page.getByRole('button', { name: 'Show raw' }).count()).toBe(0)
    await page.context().close()
  })

  test('The studio renders hostile Markdown without scripts, pictures, forms or links that act.', async () => {
    const { page, requests } = await show(hostile)
    const shown = page.getByRole('article', { name: 'Response of the team' })
    await shown.getByRole('heading', { name: 'Planted' }).waitFor()
    const acting = 'script, style, img, svg, iframe, form, input, object, embed, [style], [src], [id], [name]'
    expect(await shown.locator(acting).count()).toBe(0)
    expect(await shown.locator('a[href]').count()).toBe(0)
    expect(
      await shown.evaluate((root) =>
        [...root.querySelectorAll('*')].flatMap((one) => one.getAttributeNames()).filter((name) => /^on/i.test(name)),
      ),
    ).toEqual([])
    // HTML stands there as it was written, and a character that hides is spelled out.
    expect(await shown.innerText()).toContain("<script>document.title = 'broken into'</script>")
    expect(await shown.innerText()).toContain('\\u{202e}hidden')
    expect(requests.filter((url) => !url.startsWith(played.server.url))).toEqual([])
    expect(await page.title()).not.toContain('broken into')
    await page.context().close()
  })
})
