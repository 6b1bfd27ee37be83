import { expect, test } from 'vitest'
import { createTroupe } from '../../startup/create-troupe.ts'

const keys = [{ id: 'test', key: new Uint8Array(32) }]

test.each([
  ['a value that was read is not asked of the storage again', {}, 0],
  ['what is sealed is asked of it each time', { encryption: { keys } }, 3],
] as const)('%s', async (_, config, expected) => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  const { context } = troupe.user('ada').agent('A')
  await context.push('k', 1)
  await context.get('k')
  const reads = () => troupe.metrics.summary('storage.read').count
  const before = reads()
  for (let i = 0; i < 3; i++) expect(await context.get('k')).toBe(1)
  expect(reads() - before).toBe(expected)
})
