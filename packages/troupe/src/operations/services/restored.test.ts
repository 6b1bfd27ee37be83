import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTroupe, defineAgent, type Troupe } from '../../index.ts'
import { restoreBackup } from '../../operations.ts'

let folder: string
const open: Troupe[] = []
const effects: string[] = []
const seller = defineAgent({
  name: 'Seller',
  run: (_, ctx) =>
    ctx.effect(
      'sell',
      {
        class: 'at-most-once',
        undo: async () => {
          effects.push('refund')
        },
      },
      async () => {
        effects.push('sell')
        return 'sold'
      },
    ),
})
const opened = async (name: string): Promise<Troupe> => {
  const troupe = await createTroupe({ storage: `sqlite:${join(folder, name)}`, log: 'silent', agents: [seller] })
  open.push(troupe)
  return troupe
}
const restoredCopy = async (original: Troupe): Promise<Troupe> => {
  await original.backup(join(folder, 'backup'))
  await original.close()
  await restoreBackup({ from: join(folder, 'backup'), to: `sqlite:${join(folder, 'copy.db')}` })
  return opened('copy.db')
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-restored-'))
  effects.length = 0
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  rmSync(folder, { recursive: true, force: true })
})

it('A restored troupe undoes no run and carries out no live evaluation before it is resumed.', async () => {
  const original = await opened('troupe.db')
  await original.user('ada').orchestra.run({ id: 'sale', task: 't', agent: 'Seller' })
  const copy = await restoredCopy(original)
  const { orchestra } = copy.user('ada')
  const evaluated = { runs: ['sale'], change: {}, score: 'exact', live: true, repeat: true } as const
  await expect(orchestra.undo('sale')).rejects.toMatchObject({ code: 'troupe.restored' })
  await expect(orchestra.evaluate(evaluated)).rejects.toMatchObject({ code: 'troupe.restored' })
  expect(await orchestra.undo('sale', { plan: true })).toMatchObject([{ effect: 'sell', status: 'planned' }])
  expect(effects).toEqual(['sell'])
  await copy.resumeRestored()
  expect(await orchestra.undo('sale')).toMatchObject([{ effect: 'sell', status: 'undone' }])
  expect(effects).toEqual(['sell', 'refund'])
})

it('A session call that a restored or draining troupe rejects is not executed by the next call of its thread.', async () => {
  const received: unknown[] = []
  const listener = defineAgent({ name: 'Listener', run: async (text) => received.push(text) })
  const send = (troupe: Troupe, text: string) => troupe.user('ada').session(listener, { threadId: 't' }).generate(text)
  const original = await opened('troupe.db')
  const draining = original.drain()
  await expect(send(original, 'one')).rejects.toMatchObject({ code: 'troupe.draining' })
  await draining
  const copy = await restoredCopy(await opened('troupe.db'))
  for (const text of ['two', 'two']) await expect(send(copy, text)).rejects.toMatchObject({ code: 'troupe.restored' })
  await copy.resumeRestored()
  await send(copy, 'three')
  expect(received).toEqual(['three'])
})
