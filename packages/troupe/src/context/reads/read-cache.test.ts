import { describe, expect, test } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'
import { ReadCache } from './read-cache.ts'

const maxAge = '5m'

describe('a read that accepts an age', () => {
  test.each<[string, (mesh: Awaited<ReturnType<typeof openMesh>>['mesh']) => Promise<unknown>]>([
    ['a push', (mesh) => mesh.agent('ada', 'A').push('k', 'new')],
    ['an update', (mesh) => mesh.agent('ada', 'A').update('k', () => 'new')],
    [
      'an atomic batch',
      (mesh) => mesh.agent('ada', 'A').batch([{ type: 'push', key: 'k', value: 'new' }], { atomic: true }),
    ],
    [
      'its own removal and the push of another',
      async (mesh) => {
        await mesh.agent('ada', 'A').delete('k')
        await mesh.agent('ada', 'B').push('k', 'new')
      },
    ],
  ])('A read that accepts an age never returns the value from before %s.', async (_, write) => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    await a.push('k', 'old')
    expect(await a.get('k', { maxAge })).toBe('old')
    await write(opened.mesh)
    expect(await a.get('k', { maxAge })).toBe('new')
  })

  test('A read that accepts an age does not return what the application cleared and another agent replaced.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const host = opened.mesh.host('ada')
    await host.push('k', 'old')
    expect(await host.get('k', { maxAge })).toBe('old')
    await host.clear()
    await opened.mesh.agent('ada', 'A').push('k', 'new')
    expect(await host.get('k', { maxAge })).toBe('new')
  })

  test('A read that accepts an age caches nothing that it read while its agent wrote.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const { core } = opened.mesh
    const a = opened.mesh.agent('ada', 'A')
    const reader = { user: 'ada', agent: 'A', all: false }
    await a.push('k', 'old')
    const written = Promise.withResolvers<void>()
    const cache = new ReadCache({
      ...core,
      async read(...asked) {
        const found = await core.read(...asked)
        await written.promise
        return found
      },
    })
    const read = cache.get(reader, 'k', maxAge)
    await a.push('k', 'new')
    cache.wrote(reader, 'k')
    written.resolve()
    expect(await read).toBe('old')
    expect(await cache.get(reader, 'k', maxAge)).toBe('new')
  })
})
