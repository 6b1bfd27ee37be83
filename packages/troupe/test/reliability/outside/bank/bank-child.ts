/**
 * One process of the bank: clerks that move money in atomic batches, writers and readers of registers, a counter, and a
 * watcher that goes on where the life before it was killed. Everything is logged before and after, in files.
 *
 * node bank-child.ts STORAGE FOLDER TAG [watch]
 */
import { openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createTroupe } from 'troupe'
import { accounts, bankConfig, banks, linesOf, registers, type Transfer, type WatchLine } from './bank-log.ts'

const [storage = '', folder = '', tag = '', watches = ''] = process.argv.slice(2)
const file = openSync(join(folder, `log-${tag}`), 'a')
const log = (line: object) => void writeSync(file, `${JSON.stringify(line)}\n`)
/** Of the machine, so that all processes share it, µs. */
const now = () => Number(process.hrtime.bigint() / 1_000n)
const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))
const pick = (n: number) => Math.floor(Math.random() * n)
let serial = 0
const nextId = () => `${tag}-${serial++}`

process.on('unhandledRejection', (error) => {
  log({ kind: 'unhandled', error: String((error as Error)?.stack ?? error) })
  process.exit(77)
})
const failed = async (what: string, id: string, error: unknown) => {
  const { name, code, message } = error as { name?: string; code?: string; message?: string }
  log({ kind: 'failed', what, id, name, code, message })
  await pause(20)
}

const troupe = await createTroupe(bankConfig(storage))

async function serve(bank: string, clerk: string): Promise<never> {
  const { context } = troupe.user(bank).agent(clerk)
  for (;;) {
    const id = nextId()
    const from = pick(accounts)
    const to = (from + 1 + pick(accounts - 1)) % accounts
    const amount = 1 + pick(5)
    let isBegun = false
    try {
      const [source, target] = await Promise.all([
        context.getEntry(`account.${from}`),
        context.getEntry(`account.${to}`),
      ])
      const balance = source?.value as number
      if (source === undefined || target === undefined || balance < amount) continue
      log({ kind: 'transfer.begun', bank, id })
      isBegun = true
      const results = await context.batch(
        [
          { type: 'push', key: `account.${from}`, value: balance - amount, ifVersion: source.version },
          { type: 'push', key: `account.${to}`, value: (target.value as number) + amount, ifVersion: target.version },
          { type: 'push', key: `transfer.${id}`, value: { from, to, amount } satisfies Transfer, ifVersion: 0 },
        ],
        { atomic: true },
      )
      const succeeded = results.filter(({ success }) => success).length
      if (succeeded === results.length) log({ kind: 'transfer.done', bank, id })
      else log({ kind: succeeded === 0 ? 'transfer.rejected' : 'transfer.halved', bank, id })
    } catch (error) {
      await failed(isBegun ? 'transfer' : 'read', id, error)
    }
    if (Math.random() < 0.1) await pause(5)
  }
}

async function useRegister(client: string): Promise<never> {
  const { context } = troupe.user('registers').agent(client)
  for (;;) {
    const key = `register.${pick(registers)}`
    const value = nextId()
    const choice = Math.random()
    let input: object = { do: 'write', value }
    const called = now()
    try {
      let output: object
      if (choice < 0.3) {
        log({ kind: 'operation.begun', client, key, input, called, id: value })
        output = { version: (await context.push(key, value, { writers: 'readers' })).version }
      } else if (choice < 0.5) {
        const version = (await context.getEntry(key))?.version ?? 0
        input = { do: 'write-if', version, value }
        log({ kind: 'operation.begun', client, key, input, called, id: value })
        output = { version: (await context.push(key, value, { ifVersion: version, writers: 'readers' })).version }
      } else {
        input = { do: 'read' }
        const entry =
          choice < 0.75 ? await context.getEntry(key) : { value: await context.get(key), version: undefined }
        output = { value: entry?.value, version: entry?.version }
      }
      log({ kind: 'operation.done', client, key, input, called, returned: now(), output, id: value })
    } catch (error) {
      // Refused: it happened, and changed nothing.
      if ((error as { code?: string }).code === 'context.conflict')
        log({
          kind: 'operation.done',
          client,
          key,
          input,
          called,
          returned: now(),
          output: { conflict: true },
          id: value,
        })
      else await failed('register', value, error)
    }
    await pause(Math.random() * 10)
  }
}

async function count(client: string): Promise<never> {
  const { context } = troupe.user('registers').agent(client)
  for (;;) {
    const id = nextId()
    log({ kind: 'count.begun', id })
    try {
      await context.update('count', (found) => ((found as number | undefined) ?? 0) + 1, { writers: 'readers' })
      log({ kind: 'count.done', id })
    } catch (error) {
      await failed('count', id, error)
    }
    await pause(Math.random() * 20)
  }
}

/** What an earlier life wrote is what it has seen; the next one goes on behind it. */
async function watch(bank: string): Promise<never> {
  const earlier = readdirSync(folder)
    .filter((name) => name.startsWith(`watch-${bank}-`))
    .flatMap((name) => linesOf<WatchLine>(join(folder, name)))
    .sort((a, b) => a.order - b.order)
  let order = earlier.length
  let from: string | number = earlier.at(-1)?.item.position ?? 0
  const seen = openSync(join(folder, `watch-${bank}-${tag}`), 'a')
  for (;;)
    try {
      for await (const item of troupe.user(bank).context.watch({ from })) {
        writeSync(seen, `${JSON.stringify({ order: order++, item } satisfies WatchLine)}\n`)
        from = item.position
      }
    } catch (error) {
      await failed('watch', bank, error)
    }
}

for (const bank of banks) for (const clerk of ['One', 'Two']) void serve(bank, `Clerk${clerk}`)
for (const client of ['A', 'B']) void useRegister(`Client${client}`)
void count('Counter')
if (watches === 'watch') for (const bank of banks) void watch(bank)
process.send?.('works')
