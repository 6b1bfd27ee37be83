import { expect, it } from 'vitest'
import { endable } from './endable.ts'

const never = (ended: AbortSignal) => new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()))

it('An endable iteration yields its items, and ends a pending item at its return.', async () => {
  let cleaned = 0
  const items = endable(undefined, async function* (ended) {
    try {
      yield 1
      await never(ended)
    } finally {
      cleaned++
    }
  })
  expect(await items.next()).toEqual({ done: false, value: 1 })
  const pending = items.next()
  expect(await items.return()).toEqual({ done: true, value: undefined })
  expect(await pending).toEqual({ done: true, value: undefined })
  expect(cleaned).toBe(1)
  expect(await items.next()).toEqual({ done: true, value: undefined })
})

it('An endable iteration that rejects because it was ended is over, and rejects for the signal of its caller.', async () => {
  const rejecting = async function* (ended: AbortSignal) {
    yield 1
    await never(ended)
    throw ended.reason
  }
  const own = endable(undefined, rejecting)
  await own.next()
  const pending = own.next()
  await own.return()
  expect(await pending).toEqual({ done: true, value: undefined })
  const controller = new AbortController()
  const other = endable(controller.signal, rejecting)
  await other.next()
  const rejected = other.next()
  controller.abort('enough')
  await expect(rejected).rejects.toBe('enough')
})

it('An endable iteration ends with the block that uses it, and with a loop that breaks.', async () => {
  let cleaned = 0
  const counting = async function* () {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      cleaned++
    }
  }
  for await (const i of endable(undefined, counting)) if (i === 3) break
  {
    await using items = endable(undefined, counting)
    await items.next()
  }
  expect(cleaned).toBe(2)
})
