/**
 * The pictures of the README: a run that asks, in light, in dark, and on a phone.
 *
 * node packages/dashboard/test/screenshots.ts
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openBrowser } from './chromium.ts'
import { play } from './played.ts'

const folder = join(import.meta.dirname, '../../../docs/images')
mkdirSync(folder, { recursive: true })
const browser = await openBrowser()
await using played = await play('Dear Bob, you are invited for the third of March.')
const { key } = await played.troupe.keys.create({ name: 'pictures', users: 'all', role: 'admin' })
const started = await fetch(`${played.server.url}/v1/runs`, {
  method: 'POST',
  headers: { 'x-api-key': key, 'content-type': 'application/json' },
  body: JSON.stringify({ team: 'letters', task: 'the invitation' }),
})
const run = (await started.json()) as { readonly run: string }
const shot = async (name: string, colorScheme: 'light' | 'dark', width: number, height: number) => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  await page.goto(await played.server.link())
  await page.goto(`${played.server.url}/#/runs/${run.run}`)
  await page.getByText('Clerk asks').waitFor()
  await page.getByText('Reader').first().waitFor()
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
  await context.close()
}
await shot('run-light', 'light', 1_200, 900)
await shot('run-dark', 'dark', 1_200, 900)
await shot('run-phone', 'light', 375, 812)
await browser.close()
