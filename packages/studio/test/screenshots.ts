/**
 * The pictures of the README: the run of the research team over docs/, in light, in dark, and on a phone.
 *
 * npm run build && node packages/studio/test/screenshots.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe } from 'troupe'
import { serve } from 'troupe/server'
import { openBrowser } from './chromium.ts'

const root = join(import.meta.dirname, '../../..')
const data = mkdtempSync(join(tmpdir(), 'troupe-pictures-'))
const question = 'What survives a crash, and how is a write acknowledged?'
const main = join(root, 'examples/research/main.ts')
execFileSync(process.execPath, [main, question, '--docs', 'docs', '--data', data, '--reports', data, '--once'], {
  cwd: root,
})
const troupe = await createTroupe({ storage: `sqlite:${join(data, 'research.db')}`, log: 'silent' })
const server = await serve(troupe, { port: 0 })
const { items } = await troupe.user('researcher').orchestra.list({ limit: 1 })
const browser = await openBrowser()

const shot = async (name: string, colorScheme: 'light' | 'dark', width: number, height: number) => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  await page.goto(await server.link({ users: ['researcher'], role: 'admin' }))
  await page.goto(`${server.url}/#/runs/${items[0]?.id}`)
  await page.getByRole('link', { name: /^Steps/ }).waitFor()
  await page.getByText('Reviewer').first().waitFor()
  // The team is drawn once its measures are known.
  await page.locator('.react-flow__edge').first().waitFor({ state: 'attached' })
  // Above it stand answer and task, with the paths of this machine.
  await page.getByRole('heading', { name: 'Team' }).evaluate((heading) => heading.scrollIntoView())
  await page.screenshot({ path: join(root, 'docs/images', `${name}.png`), animations: 'disabled' })
  await context.close()
}
await shot('run-light', 'light', 1_200, 900)
await shot('run-dark', 'dark', 1_200, 900)
await shot('run-phone', 'light', 375, 812)
await browser.close()
await server.close()
await troupe.close()
rmSync(data, { recursive: true, force: true })
