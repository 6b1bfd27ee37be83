import { afterAll, expect, it } from 'vitest'
import { createTroupe } from '../../../startup/index.ts'
import { leafHash } from './merkle.ts'
import { consistent, includes } from './verify-proofs.test.fixture.ts'

const troupe = await createTroupe({ log: 'silent', storage: 'memory:' })
afterAll(() => troupe.close())
const bytes = (hash: string) => Buffer.from(hash, 'base64url')
const head = async () => {
  const { size, root } = await troupe.audit.tree()
  return { size, root: bytes(root) }
}

it('Each record of the stored tree is proven to be in it, and the tree to have grown only.', async () => {
  const { context } = troupe.user('ada').agent('A')
  for (let n = 0; n < 5; n++) await context.push(`n${n}`, n)
  const older = await head()
  for (let n = 0; n < 6; n++) await context.push(`m${n}`, n)
  const { items } = await troupe.audit.list({ user: 'ada' })
  expect(items.length).toBeGreaterThanOrEqual(11)
  for (const { id } of items) {
    const { leaf, index, size, path, root } = await troupe.audit.inclusion(id)
    expect(includes(leafHash(leaf), index, size, path.map(bytes), bytes(root))).toBe(true)
  }
  const { path } = await troupe.audit.consistency(older.size)
  expect(consistent(older, await head(), path.map(bytes))).toBe(true)
})
it('An audit record without a leaf has no proof.', async () => {
  await expect(troupe.audit.inclusion('unknown')).rejects.toMatchObject({ code: 'audit.unknown' })
})
