/** Grouping, time and failures, with writers that fail as they may in the world. */
import { expect, test } from 'vitest'
import { type Clock, createVirtualClock, seededRandom, type UserId } from '../../../core/index.ts'
import { type FaultKind, type Faults, openStorage, type StorageState } from '../../index.ts'

const user = 'ada' as UserId
const migrations = [
  {
    module: 'notes',
    version: 1,
    name: 'notes',
    lowestReader: 1,
    up: { sqlite: ['create table notes (text text unique)'], postgres: [] },
  },
]
async function open(faults?: Partial<Faults>, clock: Clock = createVirtualClock()) {
  const random = seededRandom(1)
  const all = faults && { faults: { clock, random, ...faults } }
  const storage = await openStorage({ url: 'memory:', migrations, clock, random, ...all })
  const states: StorageState['state'][] = []
  storage.onState(({ state }) => states.push(state))
  const add = (text: string, id: string | null = null) =>
    storage.commit({ id, scope: { user }, statements: [{ sql: 'insert into notes values (?)', binds: [text] }] })
  const texts = async () =>
    (await storage.read({ user }, [{ sql: 'select text from notes order by 1', binds: [], returns: true }]))[0]?.map(
      ({ text }) => text,
    )
  return { storage, states, add, texts }
}
const once = (kind: FaultKind) => ({ at: (batch: number) => (batch === 0 ? kind : undefined) })
const codes = async (commits: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(commits)).map((each) => (each.status === 'fulfilled' ? 'ok' : each.reason.code))

test('An I/O error rejects every change of its group, and the next group is committed.', async () => {
  const { add, texts, states } = await open(once('io-before'))
  expect(await codes([add('a'), add('b')])).toEqual(['storage.io', 'storage.io'])
  expect(await codes([add('c'), add('d')])).toEqual(['ok', 'ok'])
  expect(await texts()).toEqual(['c', 'd'])
  expect(states).toEqual([])
})

test('A change whose answer was lost is recognised as committed by its id.', async () => {
  const { add, texts } = await open(once('io-after'))
  expect(await codes([add('a', 'c1')])).toEqual(['storage.io'])
  expect(await add('a', 'c1')).toMatchObject({ ok: true, repeated: true })
  expect(await texts()).toEqual(['a'])
})

test('A full disk rejects changes but not reads, and writing resumes when there is space.', async () => {
  const clock = createVirtualClock()
  const { storage, add, texts, states } = await open({ ...once('full'), fullProbes: 3 }, clock)
  expect(await codes([add('a')])).toEqual(['storage.full'])
  expect(storage.state()).toMatchObject({ state: 'full', problem: expect.stringContaining('full') })
  expect(await codes([add('b')])).toEqual(['storage.full'])
  expect(await texts()).toEqual([])
  // Probes after 0.1, 0.2, 0.4 and 0.8 s.
  await clock.advance('1400ms')
  expect(storage.state().state).toBe('full')
  await clock.advance('200ms')
  expect(states).toEqual(['full', 'open'])
  expect(await codes([add('c')])).toEqual(['ok'])
  await storage.close()
})

test('A dead writer rejects all waiting changes, and the state is failed.', async () => {
  const { storage, add, states } = await open(once('dead'))
  const first = add('a')
  await Promise.resolve()
  await Promise.resolve()
  expect(await codes([first, add('b')])).toEqual(['storage.io', 'storage.io'])
  expect(states).toEqual(['failed'])
  expect(await codes([add('c')])).toEqual(['storage.io'])
  await storage.close()
})

test('The time of commits follows the clock, and continues if the clock goes back.', async () => {
  let [wall, monotonic] = [10_000, 0]
  const clock: Clock = { ...createVirtualClock(), now: () => wall, monotonic: () => monotonic }
  const { add } = await open(undefined, clock)
  const at = async (text: string) => (await add(text)) as { at: number }
  expect(await at('a')).toMatchObject({ at: 10_000 })
  ;[wall, monotonic] = [4_000, 50]
  expect(await at('b')).toMatchObject({ at: 10_050 })
  ;[wall, monotonic] = [4_100, 150]
  expect(await at('c')).toMatchObject({ at: 10_150 })
  ;[wall, monotonic] = [20_000, 200]
  expect(await at('d')).toMatchObject({ at: 20_000 })
})

test('Random faults leave every acknowledged change once, and no finally rejected one.', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = seededRandom(seed)
    const { storage, add, texts } = await open({ random, rates: { 'io-before': 0.2, 'io-after': 0.2 } })
    const acknowledged: string[] = []
    // As callers do: an unknown outcome is settled by trying the same id again.
    const persist = async (text: string) => {
      for (let attempts = 0; attempts < 50; attempts++)
        try {
          await add(text, `id-${text}`)
          return void acknowledged.push(text)
        } catch {}
    }
    await Promise.all(Array.from({ length: 40 }, (_, i) => persist(`${i + 10}`)))
    expect(acknowledged).toHaveLength(40)
    expect(await texts()).toEqual(acknowledged.sort())
    await storage.close()
  }
})

test('The commit queue rejects more changes than may wait.', async () => {
  const { add } = await open()
  const commits = Array.from({ length: 65_537 }, (_, i) => add(`${i}`))
  const results = await codes(commits)
  expect(results.filter((result) => result !== 'ok')).toEqual(['storage.busy'])
})

test('Timers get their turn while many changes are committed in memory.', async () => {
  const { add } = await open()
  let fired = false
  setTimeout(() => {
    fired = true
  }, 1)
  let count = 0
  while (!fired && count < 100_000) await add(`${count++}`)
  expect(fired).toBe(true)
})

test.each([
  ['that is made', undefined, ['begins', 'ended', 'ok']],
  // What a failure may have left is seen or not until the probe that comes next.
  ['that fails', 'io-after', ['begins', 'storage.io', 'ended']],
  ['that finds no space', 'full', ['begins', 'storage.full', 'ended']],
  ['whose writer dies', 'dead', ['begins', 'storage.io']],
] as const)(
  'A change %s is observed before it is visible, and ends when its outcome is decided.',
  async (_, fault, expected) => {
    const clock = createVirtualClock()
    const { storage, add, texts } = await open({ at: () => fault, clock }, clock)
    const calls: string[] = []
    const seen: Promise<unknown>[] = []
    storage.singleWriter?.observe({
      begins: () => {
        calls.push('begins')
        seen.push(texts())
      },
      ended: () => calls.push('ended'),
      closed: () => calls.push('closed'),
    })
    calls.push(...(await codes([add('a')])))
    if (fault === 'full') {
      await clock.advance('50ms')
      expect(calls).not.toContain('ended')
    }
    await clock.advance('10s')
    expect(calls).toEqual(expected)
    expect(await Promise.all(seen)).toEqual([[]])
    const closing = storage.close()
    expect(calls).toEqual([...expected, 'closed'])
    await closing
  },
)
