import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { llmsFile, renderLlms, summaryOf } from './llms.ts'

it('The file packages/troupe/llms.txt lists the pages of the documentation as they are.', () => {
  expect(readFileSync(llmsFile, 'utf8')).toBe(renderLlms())
})

it('The summary of a page is its title and its first sentence, without links.', () => {
  const page = '# Pools\n\n```ts\ncode\n```\n\nA pool lends\n[agents](a.md). It is bounded.\n'
  expect(summaryOf(page)).toEqual({ title: 'Pools', sentence: 'A pool lends agents.' })
})

it('The package ships llms.txt and the pages that it names.', () => {
  const manifest = readFileSync(join(import.meta.dirname, '../packages/troupe/package.json'), 'utf8')
  expect((JSON.parse(manifest) as { files: string[] }).files).toEqual(expect.arrayContaining(['docs', 'llms.txt']))
})
