/** Backups of the database of the configuration, also beside the process that owns it. */
import { needDatabase } from '../api/open.ts'
import type { Command, Hands } from '../command.ts'
import { ofStorage } from '../hands.ts'
import { safe } from '../output/safe.ts'

const opened = async (hands: Hands) => {
  const { config } = await ofStorage(hands)
  const runtime = await import('../../runtime/index.ts')
  return { runtime, config }
}

export const backupCommands: readonly Command[] = [
  {
    name: 'backup',
    here: true,
    takes: '<folder>',
    says: 'copies all that is stored, at one moment, beside whoever uses it',
    async run(hands, [folder = '']) {
      const { runtime, config } = await opened(hands)
      await needDatabase(config)
      const made = await runtime.backupTo(await runtime.storageOf(config), folder)
      hands.out.show(made, ({ bytes, sha256 }) => `${safe(folder)} holds ${bytes} bytes, SHA-256 ${sha256}.`)
      return undefined
    },
  },
  {
    name: 'verify-backup',
    here: true,
    takes: '<folder>',
    says: 'reads all of a backup: its hash, its integrity, its rows',
    async run({ out }, [folder = '']) {
      const { verifyBackup } = await import('../../runtime/index.ts')
      out.show(await verifyBackup(folder), ({ at }) => `${safe(folder)} is whole, and of ${at}.`)
      return undefined
    },
  },
  {
    name: 'restore',
    here: true,
    takes: '<folder>',
    says: 'puts a backup into the storage of the configuration, where there is nothing yet',
    async run(hands, [folder = '']) {
      const { runtime, config } = await opened(hands)
      const restored = await runtime.restore({ from: folder, to: await runtime.storageOf(config) })
      hands.out.show(
        restored,
        ({ backupAt }) => `Restored, as of ${backupAt}. It waits: troupe resume-restored lets it go on.`,
      )
      return undefined
    },
  },
  {
    name: 'resume-restored',
    here: true,
    says: 'lets a restored database go on: runs, schedules, messages',
    async run(hands) {
      const { runtime, config } = await opened(hands)
      await needDatabase(config)
      // Runs of other programs are left to them.
      const { agents: _, topologies: __, ...rest } = config
      await using troupe = await runtime.createTroupe({ ...rest, log: 'silent' })
      await troupe.resumeRestored()
      hands.out.show({ restored: troupe.restored ?? null }, ({ restored }) =>
        restored ? 'It goes on.' : 'It was never restored from a backup: nothing waits.',
      )
      return undefined
    },
  },
]
