import { expect, test } from 'vitest'
import { createVirtualClock, type Page } from '../core/index.ts'
import { Access } from '../security/index.ts'
import { openMesh } from './context.test.fixture.ts'
import type { Signal } from './hands-port.ts'

async function openPages() {
  const opened = await openMesh(createVirtualClock())
  const access = new Access()
  const a = opened.mesh.agent('ada', 'A', access)
  for (const key of ['k', '1', '2']) await a.push(key, 1)
  await a.push('k', 2)
  await a.subscribe(['x', 'y', 'z'])
  const pages: Readonly<Record<string, (given: Signal) => Promise<Page<unknown>>>> = {
    list_context: (given) => a.list({ limit: 1, ...given }),
    list_context_keys: (given) => a.keys({ limit: 1, ...given }),
    get_context: (given) => a.history('k', { limit: 1, ...given }),
    discover_topics: (given) => a.discoverTopics({ limit: 1, ...given }),
  }
  return { opened, access, pages }
}
/** What is given until it fails, where something happens after the first. */
async function walk(page: Page<unknown>, happens: () => void) {
  let given = 0
  try {
    for await (const _ of page) if (++given === 1) happens()
  } catch (error) {
    return { given, code: (error as { readonly code?: string }).code }
  }
  return { given }
}

test('each page is a call of its own: a right that was taken and a signal that aborted end a walk', async () => {
  const { opened, access, pages } = await openPages()
  await using _ = opened
  for (const [right, page] of Object.entries(pages)) {
    const denied = await walk(await page({}), () => access.setDeny([right]))
    expect(denied, right).toEqual({ given: 1, code: 'access.denied' })
    access.setDeny([])
    const given = new AbortController()
    const aborted = await walk(await page({ signal: given.signal }), () => given.abort())
    expect(aborted, right).toEqual({ given: 1, code: 'cancelled' })
    expect((await walk(await page({}), () => {})).given, right).toBeGreaterThan(1)
  }
  await opened.incidents.settled()
  expect(opened.events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(4)
})
