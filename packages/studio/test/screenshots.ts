/**
 * The pictures of the README: the run of the research team over docs/, in light, in dark, and on a phone.
 *
 * npm run build && node packages/studio/test/screenshots.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
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

/** WebP takes half the bytes of PNG; the browser writes it without loss at quality 1. */
async function losslessWebp(page: Page, png: Buffer): Promise<Buffer> {
  const webp = await page.evaluate(async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]))
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    canvas.getContext('2d')?.drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 1).split(',')[1] ?? ''
  }, png.toString('base64'))
  return Buffer.from(webp, 'base64')
}

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
  const png = await page.screenshot({ animations: 'disabled' })
  writeFileSync(join(root, 'docs/images', `${name}.webp`), await losslessWebp(page, png))
  await context.close()
}
await shot('run-light', 'light', 1_200, 900)
await shot('run-dark', 'dark', 1_200, 900)
await shot('run-phone', 'light', 375, 812)
await browser.close()
await server.close()
await troupe.close()
rmSync(data, { recursive: true, force: true })
