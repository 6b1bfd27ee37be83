import { expect, it } from 'vitest'
import { createEvents, createIds, seededRandom } from '../../core/index.ts'
import type { OpenedStorage } from '../../storage/index.ts'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'
import { Presence } from './presence.ts'

const { testbed } = messagingTestbeds()
const announced = (name: string) => ({ name, role: 'worker', topics: [] })

type Kind = 'reads' | 'commits'

/** Presence on a storage that fails as often as is set, and whose next answer can be held back. */
async function open() {
  const { storage, clock } = await testbed()
  const failing = { reads: 0, commits: 0 }
  const held: Partial<Record<Kind, { reached: () => void; released: Promise<number> }>> = {}
  const failOr = async <Out>(what: Kind, run: () => Promise<Out>) => {
    if (failing[what]-- > 0) throw new Error('no connection')
    const out = await run()
    const gate = held[what]
    delete held[what]
    gate?.reached()
    for (let left = (await gate?.released) ?? 0; left > 0; left--) await Promise.resolve()
    return out
  }
  const hold = (what: Kind) => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()]
    held[what] = { reached: reached.resolve, released: released.promise }
    return { reached: reached.promise, release: (microtasks: number) => released.resolve(microtasks) }
  }
  const flaky: OpenedStorage = {
    ...storage,
    dialect: storage.dialect,
    location: storage.location,
    read: (...asked) => failOr('reads', () => storage.read(...asked)),
    commit: (change) => failOr('commits', () => storage.commit(change)),
  }
  const events = createEvents(() => {})
  const ids = createIds(clock, seededRandom('presence'))
  const presence = new Presence({ storage: flaky, clock, ids, events, processId: 'p', heartbeatMs: 10_000 })
  return { presence, clock, failing, hold }
}
const watching = (seen: string[]) => ({
  self: 'Watch',
  connected: ({ name }: { readonly name: string }) => void seen.push(`+${name}`),
  disconnected: ({ name }: { readonly name: string }) => void seen.push(`-${name}`),
})

it.each(['commits', 'reads'] as const)(
  'Presence does not announce a worker later if its join failed at the %s.',
  async (what) => {
    const { presence, clock, failing } = await open()
    failing[what] = 1
    await expect(presence.join('ada', announced('W'))).rejects.toThrow('no connection')
    await clock.advance('1m')
    expect(await presence.namesOf('ada')).toEqual([])
    presence.close()
  },
)

it('Presence does not notify a watcher whose watch has failed.', async () => {
  const { presence, failing } = await open()
  const seen: string[] = []
  failing.reads = 1
  await expect(presence.watch('ada', watching(seen))).rejects.toThrow('no connection')
  await presence.join('ada', announced('W'))
  expect(seen).toEqual([])
  presence.close()
})

it('Presence reports a worker that joins in the microtask after another check of presence.', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { presence, hold } = await open()
    const seen: string[] = []
    await presence.watch('ada', watching(seen))
    const read = hold('reads')
    const first = presence.join('ada', announced('A'))
    await read.reached
    const commit = hold('commits')
    const second = presence.join('ada', announced('B'))
    await commit.reached
    read.release(8)
    for (let i = 0; i < turns; i++) await Promise.resolve()
    commit.release(0)
    await Promise.all([first, second])
    expect(seen, `${turns} microtasks later`).toEqual(['+A', '+B'])
    presence.close()
  }
})
