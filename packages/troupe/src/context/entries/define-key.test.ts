import { expect, test } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'
import { defineKey } from './define-key.ts'

test('A key with an invalid schema is rejected at its definition, and one whose schema returns nothing at its push.', async () => {
  for (const none of [undefined, null, {}])
    expect(() => defineKey('orders.{id}', none as never)).toThrow(
      /The schema of orders.{id} .* must be a Standard Schema/,
    )
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  const mute = defineKey('mute', { '~standard': { version: 1, vendor: 'test', validate: () => null as never } })
  await expect(a.push(mute(), 1 as never)).rejects.toMatchObject({
    code: 'validation.failed',
    message: expect.stringContaining('neither a value nor issues'),
  })
  expect(await a.get('mute')).toBe(undefined)
})
