/**
 * A process with a batch handler, which pays for each message and writes that down.
 *
 * node batch-child.ts STORAGE LEDGER HANGS: it sends three messages first, and hangs after so many are paid for, saying so;
 * with HANGS 0 it sends none, and ends when all are handled.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { createTroupe, defineMessage, Worker } from 'troupe'

const [storage = '', ledger = '', hangs = '0'] = process.argv.slice(2)
const Note = defineMessage<number>('note')
const troupe = await createTroupe({ storage: JSON.parse(storage), log: 'silent', messaging: { lease: '1s' } })
const ada = troupe.user('ada')
const host = ada.agent('Host')
if (hangs !== '0') for (const n of [1, 2, 3]) await host.messages.send(Note, n, { to: 'Till' })
const handled = Promise.withResolvers<void>()
const till = new Worker('Till').onBatch(Note, { size: 3, wait: '100ms' }, async (messages, ctx) => {
  for (const { payload } of messages) {
    await ctx.effect('pay', { class: 'at-most-once', key: `pay-${payload}` }, () =>
      appendFileSync(ledger, `${payload}\n`),
    )
    if (`${payload}` !== hangs) continue
    writeSync(1, 'hangs\n')
    await new Promise(() => {})
  }
  handled.resolve()
})
await ada.start(till)
await handled.promise
await troupe.close()
const left = await (async () => {
  const reopened = await createTroupe({ storage: JSON.parse(storage), log: 'silent' })
  const { waiting, leased, dead } = await reopened.user('ada').agent('Till').mailbox.counts()
  await reopened.close()
  return waiting + leased + dead
})()
writeSync(1, `left ${left}\n`)
