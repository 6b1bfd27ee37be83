/** A process that is killed while its model summarises a conversation ends the run as if it had not been. */
import { expect, test } from 'vitest'
import { childrenOf } from './start-child.ts'

const { start, linesOf: calls } = childrenOf('compaction-child.ts')

test('A run that is killed in the middle of a compaction ends with the same result, and only the lost call is made again.', {
  timeout: 120_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  expect(start('killed', true)).toMatchObject({ signal: 'SIGKILL', output: '' })
  const lost = calls('killed').at(-1) ?? ''
  expect(lost).toMatch(/^summary/)
  const recovered = start('killed', false)
  expect([recovered.signal, recovered.stderr]).toEqual([null, ''])
  expect(JSON.parse(recovered.output)).toEqual(JSON.parse(calm.output))
  expect(JSON.parse(calm.output)).toMatchObject({ status: 'completed', response: 'All are blue.', identical: true })
  const once = calls('calm')
  expect(once.filter((call) => call.startsWith('summary')).length).toBeGreaterThan(2)
  const at = once.indexOf(lost)
  expect(calls('killed')).toEqual([...once.slice(0, at + 1), ...once.slice(at)])
})
