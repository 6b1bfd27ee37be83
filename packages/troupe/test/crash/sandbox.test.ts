/** A process that is killed in the middle of a run of code ends the run as if it had not been. */
import { expect, test } from 'vitest'
import { childrenOf } from './start-child.ts'

const { start, linesOf: executions } = childrenOf('sandbox-child.ts')

test('A run that is killed in the middle of executing code ends with the same result and files as one that is not.', {
  timeout: 120_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  expect(start('killed', true)).toMatchObject({ signal: 'SIGKILL', output: '' })
  const recovered = start('killed', false)
  expect([recovered.signal, recovered.stderr]).toEqual([null, ''])
  expect(JSON.parse(recovered.output)).toEqual(JSON.parse(calm.output))
  expect(JSON.parse(calm.output)).toMatchObject({
    status: 'completed',
    response: ['first\n', 'second\n', 'one two', [{ path: 'a.txt', version: 2, bytes: 7 }]],
    identical: true,
  })
  // What had been recorded before the kill was not executed a second time.
  expect([executions('calm'), executions('killed')]).toEqual([
    ['0', '1'],
    ['0', '1', '1'],
  ])
})
