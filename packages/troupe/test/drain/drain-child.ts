/**
 * A process under load that is told to end: a worker and runs, each with effects that may happen once. What it was
 * promised it prints: `ack KEY`. What its effects did stands in the ledger, a line each.
 *
 * node drain-child.ts STORAGE LEDGER LIFE; with LIFE `last` it makes no work, waits until all is done and prints `over`.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { troupe } from '../reliability/troupe-under-test.ts'

const [storage = '', ledger = '', incarnation = ''] = process.argv.slice(2)
const { createTroupe, defineAgent, defineMessage, Worker } = troupe
const print = (line: string) => writeSync(1, `${line}\n`)
const happen = async (key: string) => {
  await pause(Math.random() * 20)
  appendFileSync(ledger, `${key}\n`)
  await pause(Math.random() * 20)
  return key
}

const Job = defineMessage<{ readonly key: string }>('job')
class Clerk extends Worker {
  constructor() {
    super('Clerk', { concurrency: 4 })
    this.on(Job, async ({ payload }, ctx) => {
      await ctx.effect('first', { class: 'at-most-once' }, () => happen(`${payload.key}/first`))
      await pause(Math.random() * 10)
      await ctx.effect('second', { class: 'at-most-once' }, () => happen(`${payload.key}/second`))
      await ctx.context.push(`done.${payload.key}`, true)
    })
  }
}
const carry = defineAgent({
  name: 'Carry',
  async run(key, ctx) {
    for (const stage of ['a', 'b', 'c']) {
      await ctx.effect(stage, { class: 'at-most-once' }, () => happen(`${key}/${stage}`))
      await ctx.context.push(`done.${key}`, stage)
      if (stage === 'b') await ctx.commit()
    }
    return key
  },
})
const topology = { agents: [carry], flows: ['Start -> Carry', 'Carry -> End'] }

const service = await createTroupe({
  storage: JSON.parse(storage),
  agents: [carry],
  signals: true,
  shutdown: { timeout: '25s' },
  lease: JSON.parse(storage).startsWith?.('sqlite') ? undefined : '2s',
  log: 'warn',
} as never)
const ada = service.user('ada')
await ada.start(new Clerk())

/** What was refused while it shuts down was never promised. */
const rejected = (error: { readonly code?: string }) => {
  if (service.state === 'open') throw error
}
async function load(): Promise<void> {
  const client = ada.agent('Desk')
  for (let n = 0; service.state === 'open'; n++) {
    const message = `m${incarnation}-${n}`
    const run = `r${incarnation}-${n}`
    const sent = client.messages
      .send(Job, { key: message }, { to: 'Clerk' })
      .then(() => print(`ack ${message}`), rejected)
    const began = ada.orchestra.start({ id: run, task: run, topology }).then(() => print(`ack ${run}`), rejected)
    await Promise.all([sent, began])
    await pause(Math.random() * 30)
  }
}
async function finish(): Promise<void> {
  for (;;) {
    const { unread, leased, waiting, dead } = await ada.agent('Clerk').mailbox.counts()
    const { items } = await ada.orchestra.list({ limit: 200 })
    const moving = []
    for await (const run of await ada.orchestra.list({})) if (run.status === 'running') moving.push(run.id)
    if (dead > 0) print(`problem: ${dead} dead letters`)
    if (unread + leased + waiting === 0 && moving.length === 0) {
      for await (const run of await ada.orchestra.list({}))
        if (run.status !== 'completed') print(`problem: run ${run.id} is ${run.status}`)
      print(`over ${items.length}`)
      return
    }
    await pause(50)
  }
}
print('ready')
if (incarnation === 'last') {
  await finish()
  await service.close()
} else await load()
