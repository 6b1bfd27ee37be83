import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeBlocks } from './documented-code.ts'

const fence = '```'

test('A block that imports the library keeps its lines, and others are omitted.', () => {
  const page = `# Page\n${fence}sh\nnpm ci\n${fence}\n\n${fence}ts\nimport { a } from 'troupe'\na()\n${fence}\n${fence}ts\nfragment()\n${fence}\n`
  expect(codeBlocks(page)).toEqual([`\n\n\n\n\n\nimport { a } from 'troupe'\na()\n`])
})

test('The README shows code that imports the library.', () => {
  expect(codeBlocks(readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')).length).toBeGreaterThan(0)
})
