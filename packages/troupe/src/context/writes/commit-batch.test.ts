/** Atomic batches outside a step, with deletes of entries that do not exist. */
import { expect, test, vi } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import type { BatchOperation } from '../context-client.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'

const removal = (key: string): BatchOperation => ({ type: 'delete', key })
const push = (key: string): BatchOperation => ({ type: 'push', key, value: 1 })

test('An atomic batch makes two attempts, however many of its deletes find no entry.', async () => {
  await using testbed = await openMesh(createVirtualClock())
  const { mesh, storage } = testbed
  const agent = mesh.agent('ada', 'A')
  await agent.push('there', 1)
  await mesh.agent('ada', 'B').push('hidden', 1, { audience: 'owner' })
  const commit = vi.spyOn(storage, 'commit')
  const missing = Array.from({ length: 200 }, (_, i) => removal(`missing ${i}`))
  const written = [push('new'), removal('new'), removal('new'), removal('there'), removal('there'), push('there')]
  const results = await agent.batch([...missing, removal('hidden'), ...written], { atomic: true })
  expect(results.slice(0, 201).filter((result) => 'deleted' in result && result.deleted)).toEqual([])
  expect(results.slice(201)).toMatchObject([
    { type: 'push', version: 1 },
    { deleted: true },
    { deleted: false },
    { deleted: true },
    { deleted: false },
    { type: 'push', version: 2 },
  ])
  expect(commit).toHaveBeenCalledTimes(2)
  expect((await agent.keys()).items).toEqual(['there'])
  expect(await mesh.agent('ada', 'B').get('hidden')).toBe(1)
})

test('An atomic batch deletes what its agent no longer sees after an earlier operation only if it still sees it.', async () => {
  await using testbed = await openMesh(createVirtualClock())
  const { mesh } = testbed
  await mesh.agent('ada', 'B').push('key', 1, { writers: ['A'] })
  const { Access } = await import('../../security/index.ts')
  const moderator = mesh.agent('ada', 'A', new Access({ role: 'admin' }))
  const narrowed: BatchOperation = { type: 'push', key: 'key', value: 2, audience: 'owner' }
  const results = await moderator.batch([removal('missing'), narrowed, removal('key')], { atomic: true })
  expect(results).toMatchObject([{ deleted: false }, { success: true }, { deleted: false }])
  expect(await mesh.agent('ada', 'B').get('key')).toBe(2)
})
