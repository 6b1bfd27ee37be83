import { expect, it } from 'vitest'
import { createVirtualClock, failure, sleep } from '../../core/index.ts'
import { defineAgent, finish } from '../../index.ts'
import { partsOf } from '../../startup/troupe.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { awaitEnd } from './await-run.ts'
import type { RunHost } from './run-host.ts'

const { opened } = troupesOfTests()
const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Continue?' })) })
const broken = failure('storage.io', { path: '/db', problem: 'I/O error' })

/** A run without an owner that waits for an answer, and a storage that cannot be made to give the run an owner. */
async function unownedRun() {
  const clock = createVirtualClock()
  const troupe = await opened({ agents: [asker], clock } as never)
  const { orchestra } = troupe[partsOf].runs
  const { stores, journal } = orchestra.parts
  const run = await troupe.user('ada').orchestra.start({ id: 'r', task: 'go', topology: solo(asker) })
  const { questions } = await run.result()
  await clock.advance('2s')
  await expect.poll(async () => (await stores.store.holderOf('ada', 'r'))?.holder ?? 'none').toBe('none')
  const { takeOver } = journal.journals
  let attempts = 0
  const fail = () => {
    attempts++
    return Promise.reject(broken)
  }
  Object.assign(journal.journals, { takeOver: fail })
  return {
    run,
    clock,
    answer: () => run.answer(questions[0]?.id ?? '', 'yes'),
    attempts: () => attempts,
    mend: () => Object.assign(journal.journals, { takeOver }),
  }
}

/** Advances the clock until the promise is over. @returns the time that it took, in s */
async function secondsUntilOver(clock: ReturnType<typeof createVirtualClock>, promise: Promise<unknown>) {
  let isOver = false
  const end = () => {
    isOver = true
  }
  promise.then(end, end)
  let seconds = 0
  while (!isOver && seconds < 100) {
    await clock.advance('1s')
    await new Promise((resolve) => setTimeout(resolve, 2))
    seconds++
  }
  return seconds
}

it('An answer to a run waits while the storage fails, and is accepted when the storage works.', async () => {
  const { run, clock, answer, attempts, mend } = await unownedRun()
  const answered = answer()
  await expect.poll(attempts).toBeGreaterThan(0)
  await clock.advance('5s')
  mend()
  expect(await secondsUntilOver(clock, answered)).toBeLessThan(10)
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'yes' })
})

it('An answer to a run gets the error of a storage that fails for half a minute.', async () => {
  const { clock, answer } = await unownedRun()
  const answered = answer()
  const seconds = await secondsUntilOver(clock, answered)
  await expect(answered).rejects.toMatchObject({ code: 'storage.io' })
  expect(seconds).toBeGreaterThanOrEqual(29)
  expect(seconds).toBeLessThan(40)
})

it('A caller that waits for the end of a run waits half a minute for a storage that fails.', async () => {
  const clock = createVirtualClock()
  const host = {
    parts: { platform: { clock } },
    works: () => false,
    row: () => Promise.resolve({ endedAt: null, result: null }),
    own: () => Promise.reject(broken),
    nextEvents: () => ({ promise: sleep(clock, 1_000), stop: () => {} }),
  } as unknown as RunHost
  const ended = awaitEnd(host, 'ada', 'r')
  const seconds = await secondsUntilOver(clock, ended)
  await expect(ended).rejects.toMatchObject({ code: 'storage.io' })
  expect(seconds).toBeGreaterThanOrEqual(29)
  expect(seconds).toBeLessThan(40)
})
