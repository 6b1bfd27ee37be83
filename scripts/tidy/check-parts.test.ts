import { expect, test } from 'vitest'
import { maxParts } from './check-parts.ts'
import { findingsWith, library } from './planted-tree.ts'

const path = `${library}/context/cleaner.ts`
const membersOf = (count: number) => Array.from({ length: count }, (_, n) => `  readonly port${n}: number\n`).join('')
const wide = (members: number, name = 'CleanerParts') =>
  `/** Parts. */\nexport interface ${name} {\n${membersOf(members)}}\n`

test('An interface of parts may have six members and not seven.', () => {
  expect(findingsWith({ [path]: wide(maxParts) })).toEqual([])
  expect(findingsWith({ [path]: wide(maxParts + 1) })).toEqual([`${path} parts`])
})

test('The members of a type of parts and of its intersection are counted together.', () => {
  const both = `/** Parts. */\nexport type CleanerParts = {\n${membersOf(4)}} & {\n  run(): void\n  stop(): void\n  start(): void\n}\n`
  expect(findingsWith({ [path]: both })).toEqual([`${path} parts`])
  expect(findingsWith({ [path]: both.replace('  start(): void\n', '') })).toEqual([])
})

test('An interface with another name, an exempted one and one of a test may have more members.', () => {
  const found = findingsWith({
    [path]: wide(20, 'Cleaner'),
    [`${library}/operations/troupe-parts.ts`]: wide(20, 'TroupeParts'),
    [`${library}/context/cleaner.test.ts`]: wide(20, 'TestedParts'),
  })
  expect(found).toEqual([])
})
