/** Uncertain effects of processes that were killed, of each origin, are in one list and are resolved there. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ledgerOf, openPayments } from './payments.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function until<T>(what: string, read: () => Promise<T> | T): Promise<NonNullable<T>> {
  for (let i = 0; i < 1_000; i++) {
    const found = await read()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not within 20 s: ${what}`)
}

/** A folder in which a process was killed while it paid. */
async function killedPayment(origin: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-approvals-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'killed-child.ts'), folder, origin])
  const ended = new Promise((resolve) => child.once('close', resolve))
  cleanups.push(() => child.kill('SIGKILL'))
  await until('a payment', () => existsSync(ledgerOf(folder)) && readFileSync(ledgerOf(folder), 'utf8') !== '')
  child.kill('SIGKILL')
  await ended
  return folder
}

test.each(['run', 'session', 'handler'].flatMap((origin) => [[origin, true] as const, [origin, false] as const]))(
  'An effect of a killed process is listed with its origin %s and resolved as happened: %s, and the work continues.',
  async (origin, happened) => {
    const folder = await killedPayment(origin)
    const { troupe, ada, payer, worker } = await openPayments(folder, async () => 'receipt 2')
    cleanups.push(() => troupe.close())
    const session = ada.session(payer, { threadId: 't' })
    if (origin === 'session') await expect(session.chat('18')).rejects.toMatchObject({ code: 'effect.uncertain' })
    if (origin === 'handler') await ada.start(worker)
    const item = await until('an uncertain effect', async () => (await ada.approvals.list()).items[0])
    const [effect] = item.uncertain
    if (!effect) throw new Error('no effect is uncertain')
    expect([item.origin, effect.name, effect.key, effect.input]).toEqual([origin, 'pay', '17', { order: '17' }])
    await until(
      'its message',
      async () => origin !== 'handler' || (await ada.agent('Desk').mailbox.counts()).dead === 1,
    )
    const resolution = happened ? ({ happened, output: 'receipt 1' } as const) : ({ happened } as const)
    await ada.approvals.resolve(item.id, effect, resolution)
    const receipt = happened ? 'receipt 1' : 'receipt 2'
    if (origin === 'run') expect((await (await ada.orchestra.get('r')).result()).response).toBe(receipt)
    // The next message of the thread continues the interrupted step first.
    if (origin === 'session') expect(await session.chat('18')).toBe('receipt 2')
    const ledger = () => readFileSync(ledgerOf(folder), 'utf8').trim().split('\n')
    if (origin === 'handler') await until('its end', () => ledger().includes(`handled ${receipt}`))
    expect(ledger().filter((line) => line === 'paid 17')).toHaveLength(happened ? 1 : 2)
    expect((await ada.approvals.list()).items).toEqual([])
  },
)
