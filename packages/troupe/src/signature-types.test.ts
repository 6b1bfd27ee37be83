import { expect, it } from 'vitest'
import {
  type BackupManifest,
  type BatchOperation,
  createTroupe,
  defineAgent,
  type MailboxCounts,
  patterns,
  type Run,
  type Settlement,
  type Troupe,
  type UncertainEffectOfRun,
} from './index.ts'

/** Functions of a user's own around calls of ours: what they compile with is the test. */
const settled = (
  run: Run,
  effect: Pick<UncertainEffectOfRun, 'step' | 'call'>,
  settlement: Settlement,
): Promise<void> => run.settle(effect, settlement)
const kept = (troupe: Troupe, folder: string): Promise<BackupManifest> => troupe.backup(folder)
const pushes = (keys: readonly string[]): readonly BatchOperation[] =>
  keys.map((key) => ({ type: 'push', key, value: key.length }))
const waiting = ({ waiting: count }: MailboxCounts): number => count

it('whoever writes functions around our calls can name what these take and give', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  await ada.context.batch(pushes(['a', 'bb']))
  expect(await ada.context.get('bb')).toBe(2)
  expect(waiting(await ada.agent('A').mailbox.counts())).toBe(0)
  const agent = defineAgent({ name: 'A', run: async () => 1 })
  const run = await ada.orchestra.start({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
  await run.result()
  await expect(settled(run, { step: 'none', call: 'none' }, { happened: false })).rejects.toThrow()
  await expect(kept(troupe, 'nowhere')).rejects.toThrow(/in memory/)
})
