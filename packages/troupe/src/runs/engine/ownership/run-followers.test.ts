import { expect, test } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import type { Broadcast } from '../../../storage/index.ts'
import { RunFollowers } from './run-followers.ts'
import { Wakeups } from './wakeups.ts'

/** Two processes on one broadcast: the first owns every run. */
function processes() {
  const clock = createVirtualClock()
  const listeners: ((message: string) => void)[][] = [[], []]
  const broadcastOf = (at: number): Broadcast => ({
    listenAs: async () => {},
    line: () => undefined,
    send: (message) => {
      for (const listener of listeners[1 - at] ?? []) listener(message)
    },
    on: (listener) => {
      const own = listeners[at] ?? []
      own.push(listener)
      return () => void own.splice(own.indexOf(listener), 1)
    },
  })
  const create = (at: number) => {
    const wakeups = new Wakeups(clock)
    return new RunFollowers({ broadcast: broadcastOf(at), clock, wakeups, isOwner: () => at === 0 })
  }
  return { clock, owner: create(0), other: create(1) }
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise.then(() => 'done'), new Promise((resolve) => setImmediate(resolve, 'pending'))])) ===
  'pending'

test('A change of a run reaches the followers of the run in both processes, and of no other run.', async () => {
  const { owner, other } = processes()
  other.next('ada', 'r').stop()
  const [here, there, unrelated] = [owner.next('ada', 'r'), other.next('ada', 'r'), owner.next('ada', 's')]
  owner.changed('ada', 'r')
  await Promise.all([here.promise, there.promise])
  expect(await isPending(unrelated.promise)).toBe(true)
})

test('A follower of a run of another process continues within a second if every message is lost.', async () => {
  const { clock, other, owner } = processes()
  owner.disconnect()
  other.disconnect()
  const { promise } = other.next('ada', 'r')
  owner.changed('ada', 'r')
  expect(await isPending(promise)).toBe(true)
  await clock.advance('1s')
  await promise
})

test('Live parts reach a follower in another process until the run ends.', async () => {
  const { owner, other } = processes()
  other.next('ada', 'r', undefined, true).stop()
  const received: unknown[] = []
  const reading = (async () => {
    for await (const { part } of other.liveParts('ada', 'r')) received.push(part)
  })()
  owner.live('ada', 'r', { step: '1', agent: 'A', part: 'one' })
  owner.live('ada', 's', { step: '1', agent: 'A', part: 'other' })
  other.endLive('ada', 'r')
  await reading
  expect(received).toEqual(['one'])
})

test('A caller that waits for a run is rejected when the followers close.', async () => {
  const { owner } = processes()
  const { promise } = owner.next('ada', 'r')
  owner.close(new Error('closed'))
  await expect(promise).rejects.toThrow('closed')
})
