/** Whether what the processes of the bank were told fits what stands in the database at the end. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Context, Entry, Json, Troupe } from '../../../../src/index.ts'
import type { HistoryOperation, RegisterInput, RegisterOutput } from '../../../../src/testing/index.ts'
import { harness } from '../../library-under-test.ts'
import {
  accounts,
  banks,
  type LogLine,
  linesOf,
  registers,
  startBalance,
  type Transfer,
  type WatchLine,
} from './bank-log.ts'

type OperationLine = LogLine & Omit<HistoryOperation<RegisterInput, RegisterOutput>, 'returned'> & { returned?: number }

export interface BankReport {
  readonly problems: readonly string[]
  readonly transfers: number
  readonly operations: number
  readonly watched: number
}

export async function checkBank(troupe: Troupe, folder: string): Promise<BankReport> {
  const files = readdirSync(folder)
  const log = files.filter((name) => name.startsWith('log-')).flatMap((name) => linesOf<LogLine>(join(folder, name)))
  const problems = log.flatMap((line) => {
    if (line.kind === 'transfer.halved') return [`half of the atomic batch ${line.id} was applied`]
    if (line.kind === 'unhandled') return [`unhandled rejection: ${line.error}`]
    return line.kind === 'failed' && line.code === undefined
      ? [`an error without a code: ${line.name} ${line.message}`]
      : []
  })
  let watched = 0
  for (const bank of banks) {
    const entries = new Map<string, Entry>()
    for await (const entry of await troupe.user(bank).context.list({ limit: 1_000 })) entries.set(entry.key, entry)
    problems.push(
      ...checkTransfers(
        bank,
        entries,
        log.filter((line) => line.bank === bank),
      ),
    )
    const items = await watchedItems(troupe, folder, bank, entries)
    watched += items.length
    problems.push(...checkWatch(bank, entries, items))
  }
  // On a busy machine, a process may be killed before it has counted at all.
  const count = ((await troupe.user('registers').context.get('count')) as number | undefined) ?? 0
  problems.push(...checkCount(count, log))
  const operations = await operationsIn(troupe, log)
  for (const { message } of harness.checkLinearizability(operations, harness.registerModel)) problems.push(message)
  return {
    problems,
    transfers: log.filter(({ kind }) => kind === 'transfer.done').length,
    operations: operations.length,
    watched,
  }
}

type Entries = ReadonlyMap<string, Entry>

function checkTransfers(bank: string, entries: Entries, log: readonly LogLine[]): string[] {
  const expected = Array.from({ length: accounts }, () => startBalance)
  for (const [key, { value }] of entries)
    if (key.startsWith('transfer.')) {
      const { from, to, amount } = value as Transfer
      expected[from] = (expected[from] as number) - amount
      expected[to] = (expected[to] as number) + amount
    }
  const balances = expected.map((_, n) => entries.get(`account.${n}`)?.value as number)
  const problems = log.flatMap(({ kind, id }) => {
    const isApplied = entries.has(`transfer.${id}`)
    if (kind === 'transfer.done' && !isApplied) return [`${bank}: the acknowledged transfer ${id} is lost`]
    return kind === 'transfer.rejected' && isApplied ? [`${bank}: the rejected transfer ${id} was applied`] : []
  })
  const total = balances.reduce((sum, balance) => sum + balance, 0)
  if (total !== accounts * startBalance)
    problems.push(`${bank}: ${total} in place of ${accounts * startBalance} in all`)
  if (balances.join() !== expected.join()) problems.push(`${bank}: balances ${balances}, by the transfers ${expected}`)
  return problems
}

/** What all lives of the watcher saw, and what came after the last. */
async function watchedItems(
  troupe: Troupe,
  folder: string,
  bank: string,
  entries: Entries,
): Promise<Context.WatchItem[]> {
  const items = readdirSync(folder)
    .filter((name) => name.startsWith(`watch-${bank}-`))
    .flatMap((name) => linesOf<WatchLine>(join(folder, name)))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
  const missing = new Set([...entries.values()].map(versionOf))
  for (const item of items) missing.delete(versionOf(item))
  const from = items.at(-1)?.position ?? 0
  const stop = new AbortController()
  // Nothing else keeps this process alive while the watcher waits.
  const timer = setTimeout(() => stop.abort(), 15_000)
  if (missing.size > 0)
    for await (const item of troupe.user(bank).context.watch({ from, signal: stop.signal })) {
      items.push(item)
      missing.delete(versionOf(item))
      if (missing.size === 0) break
    }
  clearTimeout(timer)
  return items
}
const versionOf = (item: Context.WatchItem | Entry) => ('key' in item ? `${item.key}@${item.version}` : 'resync')

function checkWatch(bank: string, entries: Entries, items: readonly Context.WatchItem[]): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  let revision = 0
  for (const item of items) {
    if (item.revision < revision) problems.push(`${bank}: the watcher saw ${item.revision} after ${revision}`)
    revision = item.revision
    if (item.type === 'resync') problems.push(`${bank}: the watcher was told to begin again`)
    if (item.type !== 'put') continue
    if (seen.has(versionOf(item))) problems.push(`${bank}: the watcher saw ${versionOf(item)} twice`)
    seen.add(versionOf(item))
  }
  const expected = [...entries.values()].flatMap(({ key, version }) =>
    Array.from({ length: version }, (_, n) => `${key}@${n + 1}`),
  )
  const missing = expected.filter((version) => !seen.has(version))
  if (missing.length > 0) problems.push(`${bank}: the watcher missed ${missing.length}, e.g. ${missing[0]}`)
  return problems
}

function checkCount(count: number, log: readonly LogLine[]): string[] {
  const of = (kind: string) => log.filter((line) => line.kind === kind).length
  const [begun, done] = [of('count.begun'), of('count.done')]
  return count >= done && count <= begun
    ? []
    : [`the counter is ${count}: ${done} were acknowledged and ${begun} begun`]
}

/** Those that ended, and those of unknown outcome that the history of their register shows: the others never happened. */
async function operationsIn(troupe: Troupe, log: readonly LogLine[]) {
  const versions = new Map<Json, number>()
  for (let n = 0; n < registers; n++)
    for await (const { value, version } of await troupe
      .user('registers')
      .context.history(`register.${n}`, { limit: 100 }))
      versions.set(value, version)
  const done = log.filter(({ kind }) => kind === 'operation.done') as OperationLine[]
  const ended = new Set(done.map(({ id }) => id))
  const begun = log.filter(({ kind, id }) => kind === 'operation.begun' && !ended.has(id)) as OperationLine[]
  const happened = begun.flatMap((operation) => {
    const version = versions.get(operation.id)
    return version === undefined ? [] : [{ ...operation, returned: Number.MAX_SAFE_INTEGER, output: { version } }]
  })
  return [...done, ...happened].map(
    ({ key, client, input, called, returned, output }): HistoryOperation<RegisterInput, RegisterOutput> => ({
      key,
      client,
      input,
      called,
      returned,
      output: input.do === 'read' ? { ...output, value: (output as { value?: Json }).value } : output,
    }),
  )
}
