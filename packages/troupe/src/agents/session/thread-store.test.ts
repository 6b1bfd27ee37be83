import { expect, it, onTestFinished } from 'vitest'
import { createVirtualClock, failure, seededRandom, systemClock } from '../../core/index.ts'
import { journalMigrations } from '../../journal/index.ts'
import { openStorage } from '../../storage/index.ts'
import { agentsMigrations } from '../agents-migrations.ts'
import { createThreadStore, type OpenStep, type ThreadStore } from './thread-store.ts'

const partner = { threadId: 't', name: 'A', kind: 'agent' } as const
const stepOf = (number: number): OpenStep => ({
  kind: 'generate',
  startedAt: 0,
  step: `session:t/A#${number}`,
  input: 'go',
})

/** The stores of two processes on one storage, whose commits fail as often as the test says. */
async function twoProcesses() {
  const migrations = [...journalMigrations, ...agentsMigrations]
  const storage = await openStorage({ url: 'memory:', migrations, clock: systemClock, random: seededRandom(1) })
  onTestFinished(() => storage.close())
  const failing = { times: 0 }
  const commit: typeof storage.commit = (change) => {
    if (failing.times-- > 0) return Promise.reject(failure('storage.unreachable', { host: 'db', problem: 'gone' }))
    return storage.commit(change)
  }
  const stores = ['p1', 'p2'].map((owner) =>
    createThreadStore({ dialect: storage.dialect, read: storage.read.bind(storage), commit }, () => owner),
  )
  return { failing, stores: stores as [ThreadStore, ThreadStore] }
}

it('A step is released in the background after the commit of its release has failed.', async () => {
  const { failing, stores } = await twoProcesses()
  const [one, two] = stores
  const clock = createVirtualClock()
  await one.begin('u', partner, await one.read('u', 't/A'), stepOf(1))
  failing.times = 3
  await one.release(clock, 'u', 't/A', stepOf(1))
  const owner = async () => (await two.read('u', 't/A')).owner
  expect(await owner()).toBe('p1')
  for (let i = 0; i < 3; i++) await clock.advance('1s')
  await expect.poll(owner).toBe('')
})

it('A release is not retried after the process has claimed the step again.', async () => {
  const { failing, stores } = await twoProcesses()
  const [one] = stores
  const clock = createVirtualClock()
  await one.begin('u', partner, await one.read('u', 't/A'), stepOf(1))
  failing.times = 1
  await one.release(clock, 'u', 't/A', stepOf(1))
  one.claim('u', partner, await one.read('u', 't/A'))
  await clock.advance('5s')
  expect(await one.read('u', 't/A')).toMatchObject({ owner: 'p1', holder: 'here' })
})

it('A call that loses the race for a new thread is rejected with a retryable thread.busy.', async () => {
  const { stores } = await twoProcesses()
  const states = await Promise.all(stores.map((store) => store.read('u', 't/A')))
  await stores[0].begin('u', partner, states[0] as never, stepOf(1))
  const loser = stores[1].begin('u', partner, states[1] as never, stepOf(1))
  await expect(loser).rejects.toMatchObject({ code: 'thread.busy', retryable: true })
})
