import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createTroupe } from '../../index.ts'
import { backupCommands } from './backup-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-backup-commands-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each(['backup', 'verify-backup', 'restore'])('The command %s ends with Ctrl-C and writes nothing.', async (name) => {
  const at = join(folder, name)
  const storage = `sqlite:${join(at, 'troupe.db')}` as const
  await using troupe = await createTroupe({ storage })
  await troupe.backup(join(at, 'monday'))
  const files = readdirSync(at)
  const context = {
    flags: {},
    out: {},
    config: async () => ({
      config: { storage: name === 'restore' ? `sqlite:${join(at, 'copy.db')}` : storage },
      problems: [],
    }),
    signal: AbortSignal.abort(),
  }
  const command = backupCommands.find((one) => one.name === name)
  const target = join(at, name === 'backup' ? 'tuesday' : 'monday')
  await expect(command?.run(context as never, [target], {})).rejects.toMatchObject({ code: 'cancelled' })
  expect(readdirSync(at)).toEqual(files)
})
