/** A run, a session and a message handler that pay once, in a storage and with a ledger that processes share. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTroupe, defineAgent, defineMessage, finish, type StepContext, Worker } from '../../src/index.ts'

const Order = defineMessage<string>('order')
export const ledgerOf = (folder: string): string => join(folder, 'ledger')

/** @param answer called once the payment is in the ledger */
export async function openPayments(folder: string, answer: () => Promise<string>) {
  const pay = (order: string, { effect }: Pick<StepContext, 'effect'>) =>
    effect('pay', { class: 'at-most-once', key: order, input: { order } }, () => {
      appendFileSync(ledgerOf(folder), `paid ${order}\n`)
      return answer()
    })
  const payer = defineAgent<string>({ name: 'Payer', run: async (order, ctx) => finish(await pay(order, ctx)) })
  const worker = new Worker('Desk').on(Order, async ({ payload }, ctx) => {
    appendFileSync(ledgerOf(folder), `handled ${await pay(payload, ctx)}\n`)
  })
  const troupe = await createTroupe({
    ...{ storage: `sqlite:${join(folder, 'troupe.db')}`, log: 'silent', agents: [payer] },
    messaging: { lease: '1s' },
  })
  return { troupe, ada: troupe.user('ada'), payer, worker }
}

export async function startPayments(folder: string, answer: () => Promise<string>, origin: string): Promise<void> {
  const { ada, payer, worker } = await openPayments(folder, answer)
  if (origin === 'run') await ada.orchestra.start({ id: 'r', agent: 'Payer', task: '17' })
  if (origin === 'session') await ada.session(payer, { threadId: 't' }).chat('17')
  if (origin !== 'handler') return
  await ada.start(worker)
  await ada.agent('Shop').messages.send(Order, '17', { to: 'Desk' })
}
