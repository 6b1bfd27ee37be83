/** Backups of the database of the configuration, also beside the process that owns it. */

import type { CliCommand, CommandContext } from '../cli-command.ts'
import { loadStorageConfig } from '../command-context.ts'
import { safe } from '../output/safe.ts'
import { needDatabase, openWithoutCode } from '../transport/open-transport.ts'

const opened = async (context: CommandContext) => {
  const { config } = await loadStorageConfig(context)
  return { operations: await import('../../operations/index.ts'), config }
}

export const backupCommands: readonly CliCommand[] = [
  {
    name: 'backup',
    here: true,
    parameters: '<folder>',
    description: 'Back up everything that is stored, as of one moment, while processes use it',
    async run(context, [folder = '']) {
      const { operations, config } = await opened(context)
      await needDatabase(config)
      const made = await operations.backupTo(await operations.storageOf(config), folder, { signal: context.signal })
      context.out.show(made, ({ bytes, sha256 }) => `${safe(folder)} holds ${bytes} bytes, SHA-256 ${sha256}.`)
    },
  },
  {
    name: 'verify-backup',
    here: true,
    parameters: '<folder>',
    description: 'Verify a backup: its hash, its integrity and its rows',
    async run({ out, signal }, [folder = '']) {
      const { verifyBackup } = await import('../../operations/index.ts')
      out.show(await verifyBackup(folder, { signal }), ({ at }) => `${safe(folder)} is whole, and of ${at}.`)
    },
  },
  {
    name: 'restore',
    here: true,
    parameters: '<folder>',
    description: 'Restore a backup into the empty storage of the configuration',
    async run(context, [folder = '']) {
      const { operations, config } = await opened(context)
      const to = await operations.storageOf(config)
      const restored = await operations.restoreBackup({ from: folder, to, signal: context.signal })
      context.out.show(
        restored,
        ({ backupAt }) => `Restored, as of ${backupAt}. Work is paused until \`troupe resume-restored\`.`,
      )
    },
  },
  {
    name: 'resume-restored',
    here: true,
    description: 'Resume a restored database: runs, schedules, messages',
    async run(context) {
      const loaded = await loadStorageConfig(context)
      await needDatabase(loaded.config)
      await using troupe = await openWithoutCode(loaded)
      await troupe.resumeRestored()
      context.out.show({ restored: troupe.restored ?? null }, ({ restored }) =>
        restored ? 'Work continues.' : 'This database was not restored from a backup: no work waits.',
      )
    },
  },
]
