import { expect, test } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { IdleResources } from './idle-resources.ts'

function idle(min = 0) {
  const clock = createVirtualClock()
  const removed: string[] = []
  const resources = new IdleResources<string>({
    clock,
    idleMs: 100,
    isNeeded: (count) => count <= min,
    removed: ({ resource }) => void removed.push(resource),
  })
  const add = (resource: string) => resources.add({ resource, madeAt: 0 })
  return { clock, resources, removed, add }
}

test('The idle resource that was used last is taken first.', () => {
  const { resources, add } = idle()
  add('a')
  add('b')
  expect([resources.take()?.resource, resources.take()?.resource, resources.take()]).toEqual(['b', 'a', undefined])
})

test('A resource is removed when it was idle for too long, and not if it was taken.', async () => {
  const { clock, resources, removed, add } = idle()
  add('a')
  add('b')
  resources.take()
  await clock.advance('100ms')
  expect(removed).toEqual(['a'])
  expect(resources.size).toBe(0)
})

test('An idle resource that is needed stays until it is not.', async () => {
  const { clock, resources, removed, add } = idle(1)
  add('a')
  await clock.advance('150ms')
  expect(removed).toEqual([])
  add('b')
  await clock.advance('100ms')
  expect(removed).toEqual(['a'])
  expect(resources.size).toBe(1)
})

test('Idle resources that are removed together have no timer.', async () => {
  const { clock, resources, removed, add } = idle()
  add('a')
  add('b')
  expect(resources.removeAll().map(({ resource }) => resource)).toEqual(['a', 'b'])
  await clock.advance('1h')
  expect(removed).toEqual([])
})
