/** The clean-up beside the calls of clients. */
import { expect, test, vi } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'

test('A push of a large value succeeds if the removal of old values behind it fails, and the next push repeats it.', async () => {
  await using testbed = await openMesh(createVirtualClock(), { limits: { history: 1 } })
  const { mesh, storage } = testbed
  const agent = mesh.agent('ada', 'A')
  const value = (n: number) => `${n} ${'x'.repeat(300_000)}`
  for (let n = 1; n <= 3; n++) await agent.push('large', value(n))
  const blobs = async () => (await storage.sizes()).tables.storage_blobs
  const before = await blobs()
  const { read } = storage
  const failing = vi
    .spyOn(storage, 'read')
    .mockImplementation((scope, statements) =>
      statements.some(({ sql }) => sql.includes('context_history'))
        ? Promise.reject(new Error('the disk failed'))
        : read.call(storage, scope, statements),
    )
  expect(await agent.push('large', value(4), { ifVersion: 3 })).toMatchObject({ version: 4 })
  const batch = await agent.batch([{ type: 'push', key: 'large', value: value(5) }], { atomic: true })
  expect(batch).toMatchObject([{ success: true, version: 5 }])
  failing.mockRestore()
  expect(await agent.push('large', value(6))).toMatchObject({ version: 6 })
  expect(await blobs()).toBe(before)
})

test('A context is cleared without a read of its values.', async () => {
  await using testbed = await openMesh(createVirtualClock())
  const { mesh, storage } = testbed
  await mesh.agent('ada', 'A').push('key', 'a value')
  const read = vi.spyOn(storage, 'read')
  expect(await mesh.host('ada').clear()).toBe(1)
  const results = await Promise.all(read.mock.results.map(({ value }) => value))
  expect(JSON.stringify(results)).not.toContain('a value')
})
