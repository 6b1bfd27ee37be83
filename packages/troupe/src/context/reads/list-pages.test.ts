import { expect, test } from 'vitest'
import { createVirtualClock, type Page } from '../../core/index.ts'
import { createSlicedClock } from '../../core/time/sliced-clock.test.fixture.ts'
import { Access } from '../../security/index.ts'
import type { Signal } from '../context-client.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'

async function openPages() {
  const opened = await openMesh(createVirtualClock())
  const access = new Access()
  const a = opened.mesh.agent('ada', 'A', access)
  for (const key of ['k', '1', '2']) await a.push(key, 1)
  await a.push('k', 2)
  await a.subscribe(['x', 'y', 'z'])
  const pages: Readonly<Record<string, (signalOption: Signal) => Promise<Page<unknown>>>> = {
    list_context: (signalOption) => a.list({ limit: 1, ...signalOption }),
    list_context_keys: (signalOption) => a.keys({ limit: 1, ...signalOption }),
    get_context: (signalOption) => a.history('k', { limit: 1, ...signalOption }),
    discover_topics: (signalOption) => a.discoverTopics({ limit: 1, ...signalOption }),
  }
  return { opened, access, pages }
}
/** What is given until it fails, where something happens after the first. */
async function walk(page: Page<unknown>, happens: () => void) {
  let count = 0
  try {
    for await (const _ of page) if (++count === 1) happens()
  } catch (error) {
    return { count, code: (error as { readonly code?: string }).code }
  }
  return { count }
}

test('Each page of a list is a separate call, so a revoked right or an aborted signal ends the iteration.', async () => {
  const { opened, access, pages } = await openPages()
  await using _ = opened
  for (const [right, page] of Object.entries(pages)) {
    const denied = await walk(await page({}), () => access.setDeny([right]))
    expect(denied, right).toEqual({ count: 1, code: 'access.denied' })
    access.setDeny([])
    const controller = new AbortController()
    const aborted = await walk(await page({ signal: controller.signal }), () => controller.abort())
    expect(aborted, right).toEqual({ count: 1, code: 'cancelled' })
    expect((await walk(await page({}), () => {})).count, right).toBeGreaterThan(1)
  }
  await opened.incidents.flush()
  expect(opened.events.filter(({ type }) => type === 'incident.recorded')).toHaveLength(4)
})

test('A list with a pattern leaves turns to other work while it compares keys.', async () => {
  const sliced = createSlicedClock()
  await using opened = await openMesh(sliced.clock)
  const a = opened.mesh.agent('ada', 'A', new Access())
  for (let n = 0; n < 40; n++) await a.push(`orders.${n}`, n)
  sliced.turns = 0
  expect((await a.keys({ pattern: '*9' })).items).toHaveLength(4)
  expect(sliced.turns).toBeGreaterThanOrEqual(40)
})
