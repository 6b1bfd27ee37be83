/** Tests of the studio in a browser. The browser, and what it was shown, are closed after the tests of a file. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Troupe } from 'troupe'
import { type Served, type ServerOptions, serve } from 'troupe/server'
import { afterAll, beforeAll, describe } from 'vitest'
import { executable, openBrowser } from './chromium.ts'

interface PageOptions extends BrowserContextOptions {
  /** The first address, which signs in. */
  readonly link?: string
}

class BrowserTestbed {
  #browser: Browser | undefined
  readonly #opened: (() => Promise<void>)[] = []

  get browser(): Browser {
    if (!this.#browser) throw new Error('the browser is open during tests only')
    return this.#browser
  }

  async start(): Promise<void> {
    this.#browser = await openBrowser()
  }

  async close(): Promise<void> {
    await this.#browser?.close()
    for (const close of this.#opened.reverse()) await close()
  }

  /** Serves the troupe. Both are closed after the tests. */
  async serve(troupe: Troupe, options: ServerOptions = {}): Promise<Served> {
    const server = await serve(troupe, { port: 0, authentication: 'required', ...options })
    this.#opened.push(async () => {
      await server.close()
      await troupe.close()
    })
    return server
  }

  /** Closes after the tests what the promise gives. */
  async use<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
    const opened = await opening
    this.#opened.push(async () => opened[Symbol.asyncDispose]())
    return opened
  }

  /** Opens a page in a session of its own. */
  async open({ link, ...options }: PageOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1_200, height: 900 }, ...options })
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    if (link !== undefined) {
      await page.goto(link)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
    }
    return page
  }
}

/** Where no Chromium is installed (`apt-get install chromium`), the tests are skipped. */
export function describeInBrowser(component: string, suite: (testbed: BrowserTestbed) => void): void {
  describe.skipIf(executable === undefined)(component, () => {
    const testbed = new BrowserTestbed()
    beforeAll(() => testbed.start())
    suite(testbed)
    // The last hook is the first to run: pages close before what the hooks of the suite close.
    afterAll(() => testbed.close())
  })
}
