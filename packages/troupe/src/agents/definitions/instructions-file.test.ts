import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { LlmAgent } from '../../index.ts'
import { definitionOf } from './base-llm-agent.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-instructions-'))
const project = join(folder, 'project')
mkdirSync(join(project, 'docs'), { recursive: true })
writeFileSync(join(project, 'AGENTS.md'), 'You sort parcels.\n')
writeFileSync(join(folder, 'outside.md'), 'You read everything.')
symlinkSync('../outside.md', join(project, 'linked.md'))
writeFileSync(join(project, 'large.md'), 'x'.repeat(256 * 1024 + 1))
writeFileSync(join(project, 'binary.md'), Buffer.from([0xff, 0x00]))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const instructionsOf = (instructions: unknown) =>
  definitionOf(new LlmAgent({ name: 'Clerk', instructions: instructions as string })).instructions

describe('Instructions of a file', () => {
  beforeEach(() => {
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(project)
    return () => cwd.mockRestore()
  })

  it('An agent reads its instructions from a file of the project, and the text follows.', () => {
    expect(instructionsOf({ file: 'AGENTS.md' })).toBe('You sort parcels.')
    expect(instructionsOf({ file: './AGENTS.md', text: 'Be short.' })).toBe('You sort parcels.\n\nBe short.')
    const agent = new LlmAgent({ name: 'Clerk', instructions: { file: 'AGENTS.md' } })
    expect(agent.fingerprint).toBe(new LlmAgent({ name: 'Clerk', instructions: 'You sort parcels.' }).fingerprint)
    expect(definitionOf(agent.with({ description: 'x' })).instructions).toBe('You sort parcels.')
  })

  it.each([
    ['is missing', 'gone.md', 'instructions.unreadable', /gone\.md: it does not exist/],
    ['is a folder', 'docs', 'instructions.unreadable', /it is not a file/],
    ['is larger than the limit', 'large.md', 'instructions.unreadable', /262145 bytes/],
    ['is no text', 'binary.md', 'instructions.unreadable', /not a text in UTF-8/],
    ['is above the project', '../outside.md', 'instructions.outside', /outside the project/],
    ['is a link to a file outside the project', 'linked.md', 'instructions.outside', /outside the project/],
  ])('A file of instructions that %s is rejected with a code and a hint.', (_, file, code, message) => {
    const wrong = { code, message: expect.stringMatching(message), hint: expect.any(String) }
    expect(() => instructionsOf({ file })).toThrow(expect.objectContaining(wrong))
  })

  it('Instructions that are neither a text, a function nor a file are rejected.', () => {
    for (const instructions of [7, {}, { file: 7 }, { file: 'AGENTS.md', text: 7 }, { file: 'AGENTS.md', more: 1 }])
      expect(() => instructionsOf(instructions)).toThrow()
  })
})
