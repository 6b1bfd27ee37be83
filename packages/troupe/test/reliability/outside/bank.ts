/**
 * Money is moved, registers are written and a counter counts while processes are killed and frozen and connections cut:
 * no acknowledged write is lost, no rejected one applied, and a watcher sees each change once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingServer, server, withClient } from '../../postgres/postgres-server.ts'
import { harness } from '../library-under-test.ts'
import { troupe } from '../troupe-under-test.ts'
import { accounts, bankConfig, banks, startBalance } from './bank/bank-log.ts'
import { checkBank } from './bank/check-bank.ts'
import type { Program, ProgramOptions } from './program.ts'
import { Storm } from './storm.ts'

const child = join(import.meta.dirname, 'bank/bank-child.ts')

export const program: Program = {
  name: 'bank',
  promise: 'Balances, registers and watchers hold under kills, freezes and cut connections.',
  async run(options) {
    const problems = await onSqlite(options)
    return [...problems, ...((await missingServer()) ? [] : await onPostgres(options))]
  },
}

const onSqlite = (options: ProgramOptions) =>
  withFolder((folder) => play(options, folder, `sqlite:${join(folder, 'bank.db')}`, 1))

async function onPostgres(options: ProgramOptions): Promise<readonly string[]> {
  const name = `troupe_bank_${process.pid}`
  const url = new URL(server)
  url.pathname = `/${name}`
  await withClient((client) => client.query(`create database ${name}`))
  try {
    return await withFolder((folder) => play(options, folder, url.href, 3))
  } finally {
    await withClient((client) => client.query(`drop database ${name} with (force)`))
  }
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bank-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function play({ scale, seed, report }: ProgramOptions, folder: string, storage: string, slots: number) {
  await openAccounts(storage)
  const isServer = slots > 1
  const storm = new Storm({
    program: child,
    parameters: (tag, slot) => [storage, folder, tag, ...(slot === 0 ? ['watch'] : [])],
    slots,
    random: harness.seededRandom(seed),
    ...(isServer ? { database: storage } : {}),
  })
  try {
    await storm.begin()
    await storm.rage(4_000 * scale)
  } finally {
    await storm.end()
  }
  await using looker = await troupe.createTroupe(bankConfig(storage))
  const { problems, transfers, operations, watched } = await checkBank(looker, folder)
  const { kills, freezes, cuts } = storm.counts
  report(
    `${isServer ? 'PostgreSQL' : 'SQLite'}: ${transfers} transfers, ${operations} operations on registers, ${watched} changes watched, ` +
      `${kills} kills, ${freezes} freezes, ${cuts} cuts`,
  )
  const vacuous = transfers < 10 ? [`only ${transfers} transfers: nothing was tried`] : []
  return [...problems, ...storm.deaths, ...vacuous].map(
    (problem) => `${isServer ? 'PostgreSQL' : 'SQLite'}: ${problem}`,
  )
}

async function openAccounts(storage: string): Promise<void> {
  await using opened = await troupe.createTroupe(bankConfig(storage))
  for (const name of banks) {
    const { context } = opened.user(name).agent('Bank')
    for (let n = 0; n < accounts; n++) await context.push(`account.${n}`, startBalance, { writers: 'readers' })
  }
}
