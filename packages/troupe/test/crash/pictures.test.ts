/** A process that is killed while a run passes a picture on ends the run as if it had not been, with one picture. */
import { expect, test } from 'vitest'
import { childrenOf } from './start-child.ts'

const { start, linesOf: steps } = childrenOf('pictures-child.ts')

test('A run with pictures that is killed in each of its steps ends with the same response and stores one picture.', {
  timeout: 180_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  for (const step of [1, 2, 3, 4, 5]) expect(start('killed', step)).toMatchObject({ signal: 'SIGKILL', output: '' })
  const recovered = start('killed', false)
  expect([recovered.signal, recovered.stderr]).toEqual([null, ''])
  expect(JSON.parse(recovered.output)).toEqual(JSON.parse(calm.output))
  expect(JSON.parse(calm.output)).toMatchObject({
    status: 'completed',
    entries: 1,
    identical: true,
    blobs: { found: 1, bytes: 533_334 },
  })
  expect(steps('killed')).toEqual(steps('calm'))
})
