import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { failure } from '../../core/index.ts'
import { auditCommands } from './audit-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-audit-export-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('The command audit export leaves no part of a log, and no other file changed.', async () => {
  const command = auditCommands.find(({ name }) => name === 'audit export')
  const path = join(folder, 'audit.jsonl')
  const exported = (error: Error) => {
    const text = async function* () {
      yield '{"audit":1}\n'
      throw error
    }
    return command?.run({ client: async () => ({ text }) } as never, [], { out: path })
  }
  await expect(
    exported(failure('server.unreachable', { server: 'http://h', problem: 'it is closed' })),
  ).rejects.toMatchObject({
    code: 'server.unreachable',
  })
  await expect(exported(new Error('ENOSPC: no space left on device, write'))).rejects.toMatchObject({
    exit: 1,
    hint: expect.stringContaining('Free some space'),
    message: `${path} cannot be written: ENOSPC: no space left on device, write.`,
  })
  expect(readdirSync(folder)).toEqual([])
  writeFileSync(path, 'mine')
  await expect(exported(new Error('not read'))).rejects.toMatchObject({
    exit: 2,
    message: expect.stringContaining('EEXIST'),
    hint: expect.stringContaining('new file'),
  })
  expect(readFileSync(path, 'utf8')).toBe('mine')
})
