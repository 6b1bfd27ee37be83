import { expect, test } from 'vitest'
import { PeriodicTask, type PeriodicTaskOptions } from './periodic-task.ts'
import { createVirtualClock } from './virtual-clock.ts'

const open = (options: Pick<PeriodicTaskOptions, 'run'> & Partial<PeriodicTaskOptions>) => {
  const clock = createVirtualClock()
  const task = new PeriodicTask({ name: 'test', clock, intervalMs: 1_000, ...options })
  task.start()
  return { clock, task }
}

test('A periodic task makes a round after each interval, counted from the end of the round before.', async () => {
  const at: number[] = []
  const { clock, task } = open({
    run: async () => {
      at.push(clock.monotonic())
      await new Promise<void>((resolve) => void clock.after(500, resolve))
    },
  })
  const began = clock.monotonic()
  await clock.advance('4100ms')
  expect(at.map((each) => each - began)).toEqual([1_000, 2_500, 4_000])
  const closed = task.close()
  await clock.advance('5000ms')
  await closed
  expect(at).toHaveLength(3)
})

test('A periodic task shortens each interval by up to 10 % where it is given a random generator.', async () => {
  const values = [0, 0.5, 0.999]
  const at: number[] = []
  const random = { next: () => values.shift() ?? 0 } as never
  const { clock } = open({ random, run: async () => void at.push(clock.monotonic()) })
  const began = clock.monotonic()
  await clock.advance('2900ms')
  expect(at.map((each) => Math.round(each - began))).toEqual([1_000, 1_950, 2_850])
})

test('A periodic task with `maxIntervalMs` doubles its interval up to that time while its rounds fail.', async () => {
  const at: number[] = []
  const failed: unknown[] = []
  const run = async () => {
    at.push(clock.monotonic())
    if (at.length <= 5) throw new Error('The disk is full.')
  }
  const { clock } = open({ maxIntervalMs: 10_000, run, failed: (error) => failed.push(error) })
  const began = clock.monotonic()
  await clock.advance('37s')
  expect(at.map((each) => (each - began) / 1_000)).toEqual([1, 3, 7, 15, 25, 35, 36, 37])
  expect(failed).toHaveLength(5)
})

test('A periodic task that is triggered during a round makes one more round at once.', async () => {
  let rounds = 0
  const { clock, task } = open({
    run: async () => {
      rounds++
      await new Promise<void>((resolve) => void clock.after(100, resolve))
    },
  })
  const first = task.trigger()
  void task.trigger()
  void task.trigger()
  await clock.advance('250ms')
  await first
  expect(rounds).toBe(2)
})

test('A periodic task comes sooner where its round says that something is due, and at once for 0.', async () => {
  const due = [0, 30, undefined, undefined]
  const at: number[] = []
  const { clock } = open({
    run: async (): Promise<number | undefined> => {
      at.push(clock.monotonic())
      return due.shift()
    },
  })
  const began = clock.monotonic()
  await clock.advance('2100ms')
  expect(at.map((each) => each - began)).toEqual([1_000, 1_000, 1_030, 2_030])
})

test('A periodic task that is kept alive makes its pending round when it was due.', async () => {
  const at: number[] = []
  const { clock, task } = open({ run: async () => void at.push(clock.monotonic()) })
  const began = clock.monotonic()
  await clock.advance('400ms')
  const background: (boolean | undefined)[] = []
  const { after } = clock
  clock.after = (ms, run, options) => {
    background.push(options?.background)
    return after.call(clock, ms, run, options)
  }
  task.keepAlive()
  task.keepAlive()
  expect(background).toEqual([false])
  await clock.advance('2s')
  expect(at.map((each) => each - began)).toEqual([1_000, 2_000])
  expect(background).toEqual([false, true, true])
  // The round in progress has not seen it.
  const round = task.trigger()
  task.keepAlive()
  await round
  await Promise.resolve()
  expect(background.slice(3)).toEqual([false])
})

test('A periodic task reports a round that fails and goes on after the interval.', async () => {
  const failures: string[] = []
  let rounds = 0
  const { clock } = open({
    run: async (): Promise<void> => {
      rounds++
      throw new Error('no')
    },
    failed: (error, name) => failures.push(`${name}: ${(error as Error).message}`),
  })
  await clock.advance('2500ms')
  expect([rounds, failures]).toEqual([2, ['test: no', 'test: no']])
})

test('A periodic task counts a new interval from now on.', async () => {
  let rounds = 0
  const { clock, task } = open({ run: async () => void rounds++ })
  await clock.advance('900ms')
  task.setInterval(5_000)
  await clock.advance('4900ms')
  expect(rounds).toBe(0)
  await clock.advance('200ms')
  expect(rounds).toBe(1)
})

test('A periodic task that is stopped makes no round until it is started again, and never two at once.', async () => {
  let [running, maxRunning, rounds] = [0, 0, 0]
  const { clock, task } = open({
    run: async () => {
      rounds++
      maxRunning = Math.max(maxRunning, ++running)
      await new Promise<void>((resolve) => void clock.after(500, resolve))
      running--
    },
  })
  await clock.advance('1100ms')
  task.stop()
  await clock.advance('5s')
  expect(rounds).toBe(1)
  task.start()
  await clock.advance('1100ms')
  task.stop()
  task.start()
  void task.trigger()
  await clock.advance('5s')
  expect(rounds).toBeGreaterThan(3)
  expect(maxRunning).toBe(1)
})

test('A periodic task loses no trigger in the microtasks after a round has ended.', async () => {
  for (let microtasks = 0; microtasks < 8; microtasks++) {
    let rounds = 0
    const firstRound = Promise.withResolvers<void>()
    const { task } = open({
      intervalMs: 60_000,
      run: async () => {
        rounds++
        if (rounds === 1) await firstRound.promise
      },
    })
    void task.trigger()
    firstRound.resolve()
    for (let i = 0; i < microtasks; i++) await Promise.resolve()
    await task.trigger()
    expect({ microtasks, rounds }).toEqual({ microtasks, rounds: 2 })
    await task.close()
  }
})
