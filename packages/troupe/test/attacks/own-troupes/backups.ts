/** Backups that somebody changed, that are of another installation, of earlier, or restored twice. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTroupe, defineAgent, type TroupeConfig } from '../../../src/index.ts'
import { restoreBackup } from '../../../src/operations.ts'
import { codeOf, expectHarmless, type OwnStorage, ownRows } from './own-storage.ts'

const ring = (n: number, id = 'one') => ({ keys: [{ id, key: Buffer.alloc(32, n).toString('base64') }] })
const content = 'BACKUP-CONTENT-61'
const opened = ({ storage }: OwnStorage, config: Partial<TroupeConfig> = {}) =>
  createTroupe({ storage, log: 'silent', ...config })
const backupOf = ({ folder }: OwnStorage) => join(folder, 'backup')

async function backedUp(own: OwnStorage, config: Partial<TroupeConfig> = {}): Promise<void> {
  const troupe = await opened(own, config)
  await troupe.user('ada').context.push('diagnosis', content)
  await troupe.backup(backupOf(own))
  await troupe.close()
}
const restored = (own: OwnStorage, to: OwnStorage) => restoreBackup({ from: backupOf(own), to: to.storage as never })
/** The largest file: the data. */
const dataOf = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size)[0] as string

async function changedFile(own: OwnStorage, change: (bytes: Buffer) => Buffer): Promise<string | undefined> {
  await backedUp(own)
  const untouched = own.another()
  await restored(own, untouched)
  const path = dataOf(backupOf(own))
  writeFileSync(path, change(readFileSync(path)))
  const code = await codeOf(() => restored(own, own.another()))
  return code === undefined ? 'restored' : undefined
}

export const backups = ownRows(
  'backup',
  { family: 'supply chain', source: 'a writer of backups', goal: 'bring data of their own into an installation' },
  {
    'a changed byte': (own) =>
      changedFile(own, (bytes) => {
        const at = bytes.length >> 1
        bytes[at] = (bytes[at] ?? 0) ^ 1
        return bytes
      }),
    'cut off': (own) => changedFile(own, (bytes) => bytes.subarray(0, bytes.length >> 1)),
    'bytes appended': (own) => changedFile(own, (bytes) => Buffer.concat([bytes, Buffer.from('x')])),
    'a value of another key ring': async (own) => {
      await backedUp(own, { encryption: ring(1) })
      const copy = own.another()
      await restored(own, copy)
      const code = await codeOf(async () => {
        const troupe = await opened(copy, { encryption: ring(2) })
        await troupe.close()
      })
      const good = await opened(copy, { encryption: ring(1) })
      const value = await good.user('ada').context.get('diagnosis')
      await good.close()
      expectHarmless(value === content, 'its own key ring does not read the copy')
      return code === undefined ? 'opened with the key ring of another installation' : undefined
    },
    'over a database that is in use': async (own) => {
      await backedUp(own)
      const before = await opened(own)
      await before.user('ada').context.push('later', 1)
      await before.close()
      const code = await codeOf(() => restored(own, own))
      const after = await opened(own)
      const later = await after.user('ada').context.get('later')
      await after.close()
      return code === undefined || later !== 1 ? `restored over it: ${code}` : undefined
    },
    ...Object.fromEntries(
      (['rolled back', 'restored twice'] as const).map((name) => [
        name,
        async (own: OwnStorage) => {
          const done: string[] = []
          const paying = defineAgent({ name: 'Paying', run: async () => void done.push('paid') as never })
          const teams = { pay: { agents: [paying], flows: ['Start -> Paying', 'Paying -> End'] } }
          const original = await opened(own, { teams })
          // Long enough for the backup and the end of the original, also on a loaded machine.
          const due = Date.now() + 15_000
          await original.user('ada').schedules.create({ id: 'pay', team: 'pay', task: 1, in: '15s' } as never)
          await original.backup(backupOf(own))
          await original.user('ada').schedules.delete('pay')
          await original.close()
          const copies = name === 'rolled back' ? [own.another()] : [own.another(), own.another().another()]
          const installations = new Set<string>()
          const troupes = []
          for (const copy of copies) {
            installations.add((await restored(own, copy)).installation)
            troupes.push(await opened(copy, { teams }))
          }
          await new Promise((resolve) => setTimeout(resolve, due - Date.now() + 500))
          const byItself = [...done]
          const states = troupes.map(({ state }) => state)
          await troupes[0]?.resumeRestored()
          for (let i = 0; i < 100 && done.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 50))
          for (const troupe of troupes) await troupe.close()
          expectHarmless(done.length === 1, 'a copy that was resumed did not continue')
          const areSeparate = installations.size === copies.length && states.every((state) => state === 'restored')
          return byItself.length > 0 || !areSeparate ? `by itself: ${byItself} ${states}` : undefined
        },
      ]),
    ),
  },
)
