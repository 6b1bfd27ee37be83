import { expect, it } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { PooledInstances } from './pooled-instances.ts'

function open({ size = 1, failures = 0 } = {}) {
  let made = 0
  const disposed: number[] = []
  const instances = new PooledInstances<number>({
    ...{ size, clock: createVirtualClock(), acquireTimeout: '2s', maxIdleMs: undefined },
    create: async () => {
      if (++made <= failures) throw new Error('no')
      return made
    },
    dispose: async (instance) => void disposed.push(instance),
  })
  return { instances, disposed }
}

it('A pool creates at most as many instances as its size.', async () => {
  const { instances } = open({ size: 2 })
  const lent = await Promise.all([instances.take(undefined, undefined), instances.take(undefined, undefined)])
  const waiting = instances.take(undefined, undefined)
  expect([lent, instances.counts()]).toMatchObject([[1, 2], { created: 2, inUse: 2, waiting: 1 }])
  instances.release(2)
  expect(await waiting).toBe(2)
})
it('A caller with a key gets the instance that it had last if that one is idle, and any other instance if not.', async () => {
  const { instances } = open({ size: 2 })
  const take = (key?: string) => instances.take(undefined, key)
  const [first, second] = [await take('a'), await take('b')]
  instances.release(first)
  instances.release(second)
  expect(await take('a')).toBe(first)
  expect(await take('a')).toBe(second)
  instances.release(second)
  instances.release(first)
  expect([await take(), await take('b')]).toEqual([first, second])
})
it('A failed creation makes room for the caller that waits.', async () => {
  const { instances } = open({ failures: 1 })
  const outcomes = await Promise.allSettled([
    instances.take(undefined, undefined),
    instances.take(undefined, undefined),
  ])
  expect(outcomes).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 2 }])
})
it('A warm start that fails leaves what was created, and says why.', async () => {
  const { instances } = open({ size: 3, failures: 1 })
  await expect(instances.warm(3)).rejects.toThrow('no')
  expect(instances.counts()).toMatchObject({ created: 2, idle: 2, inUse: 0 })
})
it('A close waits for what is lent, and disposes of everything.', async () => {
  const { instances, disposed } = open()
  const lent = await instances.take(undefined, undefined)
  const waiting = Promise.resolve(instances.take(undefined, undefined))
  const closing = instances.close()
  await expect(waiting).rejects.toMatchObject({ code: 'pool.closed' })
  expect(disposed).toEqual([])
  instances.release(lent)
  await closing
  expect([disposed, instances.counts()]).toMatchObject([[1], { created: 0, disposed: 1 }])
})
