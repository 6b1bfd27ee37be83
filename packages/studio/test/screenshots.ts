/**
 * Pictures of the studio, in light, in dark, and on a phone. Without a folder they are those of the documentation: the run of
 * the research team over docs/, and Home, Time and Chat of the showcase. With a folder they are of every view, as PNG.
 *
 * npm run build && node packages/studio/test/screenshots.ts [FOLDER]
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { createTroupe } from 'troupe'
import { serve } from 'troupe/server'
import { openBrowser } from './chromium.ts'
import { createShowcase } from './showcase.ts'

const root = join(import.meta.dirname, '../../..')

interface Form {
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}
const forms: Readonly<Record<'light' | 'dark' | 'phone', Form>> = {
  light: { colorScheme: 'light', width: 1_200, height: 900 },
  dark: { colorScheme: 'dark', width: 1_200, height: 900 },
  phone: { colorScheme: 'light', width: 390, height: 844 },
}

const openPage = async (browser: Browser, { colorScheme, width, height }: Form, link: string): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  await page.goto(link)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  return page
}

/** Writes a picture of each view, as long as the view is. */
async function takeAll(browser: Browser, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const shown = await createShowcase()
  for (const [form, size] of Object.entries(forms)) {
    const page = await openPage(browser, size, await shown.server.link())
    for (const [name, address] of Object.entries(shown.addresses)) {
      await page.goto(`${shown.server.url}/#/${address}`)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      // Charts and graphs are drawn once their measures are known.
      await page.waitForTimeout(700)
      // A window as high as the view: a picture of the full page has the bar of a phone in its middle.
      const height = await page.evaluate(() => document.documentElement.scrollHeight)
      await page.setViewportSize({ width: size.width, height: Math.max(size.height, height) })
      await page.screenshot({ path: join(folder, `${name}-${form}.png`), animations: 'disabled' })
      await page.setViewportSize(size)
    }
    await page.context().close()
  }
  await shown[Symbol.asyncDispose]()
}

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

/** The pictures of the documentation, by the names of the addresses of the showcase. */
const documented = { home: 'home', time: 'run-time', chat: 'chat-thread' } as const

async function takeDocumented(browser: Browser): Promise<void> {
  const shown = await createShowcase()
  const page = await openPage(browser, forms.light, await shown.server.link())
  for (const [name, address] of Object.entries(documented)) {
    await page.goto(`${shown.server.url}/#/${shown.addresses[address]}`)
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    // Charts and graphs are drawn once their measures are known.
    await page.waitForTimeout(700)
    if (name === 'time') await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
    const png = await page.screenshot({ animations: 'disabled' })
    writeFileSync(join(root, 'docs/images', `${name}-light.webp`), await losslessWebp(page, png))
  }
  await page.context().close()
  await shown[Symbol.asyncDispose]()
}

async function takeReadme(browser: Browser): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'troupe-pictures-'))
  const question = 'What survives a crash, and how is a write acknowledged?'
  const main = join(root, 'examples/research/main.ts')
  execFileSync(process.execPath, [main, question, '--docs', 'docs', '--data', data, '--reports', data, '--once'], {
    cwd: root,
  })
  const troupe = await createTroupe({ storage: `sqlite:${join(data, 'research.db')}`, log: 'silent' })
  const server = await serve(troupe, { port: 0 })
  const { items } = await troupe.user('researcher').orchestra.list({ limit: 1 })
  for (const [form, size] of Object.entries(forms)) {
    const page = await openPage(browser, size, await server.link({ users: ['researcher'], role: 'admin' }))
    await page.goto(`${server.url}/#/runs/${items[0]?.id}`)
    await page.getByRole('link', { name: /^Steps/ }).waitFor()
    await page.getByText('Reviewer').first().waitFor()
    // The team is drawn once its measures are known.
    await page.locator('.react-flow__edge').first().waitFor({ state: 'attached' })
    // Above it stand answer and task, with the paths of this machine.
    await page.getByRole('heading', { name: 'Team' }).evaluate((heading) => heading.scrollIntoView())
    const png = await page.screenshot({ animations: 'disabled' })
    writeFileSync(join(root, 'docs/images', `run-${form}.webp`), await losslessWebp(page, png))
    await page.context().close()
  }
  await server.close()
  await troupe.close()
  rmSync(data, { recursive: true, force: true })
}

const browser = await openBrowser()
const [folder] = process.argv.slice(2)
if (folder === undefined) await takeReadme(browser)
await (folder === undefined ? takeDocumented(browser) : takeAll(browser, folder))
await browser.close()
