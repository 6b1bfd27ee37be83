/** Checks of the storage: durability, backups, isolation and migrations. */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { milliseconds, TroupeError } from '../../../core/index.ts'
import { type StorageFinding, storageMigrations, backups as stored } from '../../../storage/index.ts'
import { diskUsed } from '../../health-checks.ts'
import { migrations } from '../../troupe-tables.ts'
import { versionsOf } from '../../versions.ts'
import { counted, fail, isPostgres, listNames, pass, type SystemSubject, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const singleDatabaseBytes = 10 * 1_073_741_824

export const storageChecks = {
  'storage.durable'(subject) {
    if (subject.config.storage !== 'memory:') return pass('What is committed is on a disk before it is acknowledged.')
    return short(
      subject,
      'It is in the memory of the process, and ends with it.',
      'Set storage to sqlite:PATH or postgres://…, or TROUPE_STORAGE.',
    )
  },

  'storage.migrated'({ parts, pending }) {
    if (parts) return pass('Opening it has applied whatever was missing.')
    const remedy = 'Make a backup, then apply them with `troupe migrate`: the release before works on beside it.'
    if (pending === undefined) return warn('It could not be looked at.', 'Mend what troupe.opens says, and look again.')
    return pending.length === 0 ? pass('None is pending.') : warn(`Pending: ${listNames(pending)}.`, remedy)
  },

  'storage.shared'(subject) {
    if (isPostgres(subject)) return pass('PostgreSQL: any number of processes may work on it.')
    return warn(
      'One process has this storage for itself: another one can neither help it nor stand in for it.',
      'Move to PostgreSQL where one process is not enough: docs/postgres.md.',
    )
  },

  async 'storage.pool'({ parts, config }) {
    if (parts.stores.storage.dialect.name === 'sqlite')
      return pass('SQLite: one writer, and readers of their own; there is nothing to pool.')
    const options = typeof config.storage === 'object' && !('secret' in config.storage) ? config.storage : {}
    const maxConnections = (options.poolSize ?? 10) + (options.poolOverflow ?? 0) + 1
    const [[row] = []] = await parts.stores.storage.read({ work: true }, [
      {
        sql: `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as free`,
        binds: [],
        returns: true,
      },
    ])
    const free = Number(row?.free)
    const seen = `Up to ${maxConnections} connections of this process; the server has room for ${free}.`
    if (maxConnections > free)
      return fail(seen, 'Lower storage.poolSize and poolOverflow, or raise max_connections of the server.')
    if (maxConnections * 2 > free)
      return warn(
        seen,
        'A second process would not fit: lower storage.poolSize and poolOverflow, or raise max_connections.',
      )
    return pass(seen)
  },

  async 'storage.isolation'({ parts }) {
    const found = await findings(parts.stores, 'storage.insecure')
    if (found) return fail(found.message, found.remedy)
    return parts.stores.storage.dialect.name === 'sqlite'
      ? pass('Every statement is bound to one user.')
      : pass('Row-level security is forced on every table of users, and the application role cannot turn it off.')
  },

  async 'storage.role'(subject) {
    const { storage } = subject.parts.stores
    if (storage.dialect.name === 'sqlite') return pass('SQLite has no roles; who may read the file may read all of it.')
    const powerful = await findings(subject.parts.stores, 'storage.powerful_role')
    if (powerful) return short(subject, powerful.message, powerful.remedy)
    const creating = await findings(subject.parts.stores, 'storage.creating_role')
    return creating
      ? warn(creating.message, creating.remedy)
      : pass('It owns no table, and is under row-level security.')
  },

  async 'storage.listen'({ parts }) {
    if (parts.stores.storage.dialect.name === 'sqlite')
      return pass('One process uses it: there are no notifications of others.')
    const deaf = await findings(parts.stores, 'storage.no_listen')
    if (deaf)
      return warn(
        `${deaf.message} Messages, timers and live views of other processes come up to a second late; nothing is lost.`,
        deaf.remedy,
      )
    return pass('LISTEN works on a connection of its own.')
  },

  async 'storage.space'(subject) {
    const { parts, config } = subject
    const { storage } = parts.stores
    const { database } = await storage.sizes()
    const summary = `The database has ${megabytes(database)}`
    if (storage.dialect.name === 'postgres')
      return warn(
        `${summary}; the disk of its server cannot be seen from here.`,
        'Watch the disk where the server is, and say so: doctor.attest of storage.space, with the day.',
      )
    const used = await diskUsed(storage.location)
    const limit = config.health?.disk ?? 0.9
    const seen = `${summary}, and ${Math.round(used * 100)} % of its disk is taken.`
    if (used > Math.max(limit, 0.97)) return fail(seen, 'Make room: a full disk refuses every write.')
    return used > limit ? warn(seen, 'Make room, or set retention shorter.') : pass(seen)
  },

  async 'storage.size'(subject) {
    const { database } = await subject.parts.stores.storage.sizes()
    if (database < singleDatabaseBytes) return pass(`${megabytes(database)}: one database is enough.`)
    return short(
      subject,
      `${megabytes(database)}, all in one database.`,
      'Plan how it is parted, by users over several databases, and say so: doctor.attest of storage.size, with the day.',
    )
  },

  async 'storage.indexes'({ parts }) {
    const { storage } = parts.stores
    const wanted = indexesOf(storage.dialect.name)
    const sql =
      storage.dialect.name === 'sqlite'
        ? "select name from sqlite_master where type = 'index'"
        : `select c.relname::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
            join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and i.indisvalid`
    const [rows = []] = await storage.read({ work: true }, [{ sql, binds: [], returns: true }])
    const there = new Set(rows.map(({ name }) => String(name)))
    const missing = wanted.filter((name) => !there.has(name))
    if (missing.length === 0) return pass(`${counted(wanted.length, 'index')} besides the primary keys, all there.`)
    return fail(
      `Missing or invalid: ${listNames(missing)}.`,
      'Create them as the migrations do, or restore a backup into an empty place: what they are for reads whole tables now.',
    )
  },

  async 'storage.backup'(subject) {
    const { config, now } = subject
    if (config.storage === 'memory:')
      return warn('What is in memory cannot be backed up.', 'Set storage to a file or a server.')
    const { backups, backupEvery = '1d' } = config.doctor ?? {}
    if (backups === undefined)
      return short(
        subject,
        'The place of backups is not known here.',
        'Name their folder in doctor.backups, or attest storage.backup with the day on which a restore was tried.',
      )
    const found = await newestBackup(backups)
    if (found === undefined)
      return short(
        subject,
        `There is no backup in ${backups}.`,
        `Run \`troupe backup ${join(backups, 'NAME')}\`, and again each day.`,
      )
    const age = now - Date.parse(found)
    const seen = `The newest backup in ${backups} is of ${found}.`
    if (age <= milliseconds(backupEvery, 'doctor.backupEvery')) return pass(seen)
    return short(subject, seen, `Make one now, and see why none was made within ${backupEvery}.`)
  },

  async 'versions.fit'({ parts }) {
    const { staleRuns, examined, more } = await versionsOf(parts, { limit: 500 })
    // Runs of agents that this process does not have are left to other processes.
    const misfit = staleRuns.filter(
      ({ newer, agents }) => newer !== undefined || agents.some(({ here }) => here !== undefined),
    )
    if (misfit.length === 0)
      return pass(
        `${counted(examined, 'run')} in flight${more ? ' looked at, of more' : ''}, none began with other code.`,
      )
    return warn(
      `${listNames(misfit.map(({ run }) => run))} began with other code than is here.`,
      'Let them end on the release that they began with, or cancel them: `troupe versions` shows what differs.',
    )
  },
} satisfies Partial<CheckFunctions>

const findings = async (
  { storage }: SystemSubject['parts']['stores'],
  code: string,
): Promise<StorageFinding | undefined> => (await storage.check()).find((finding) => finding.code === code)

const megabytes = (bytes: number) => `${Math.max(1, Math.round(bytes / 1_048_576)).toLocaleString('en')} MB`

const indexForm = /\b(create (?:unique )?index|drop index|drop table)(?: if (?:not )?exists)? (\w+)(?: on (\w+))?/gi

/** Returns the indexes that were created and not dropped, alone or with their table. */
function indexesOf(engine: 'sqlite' | 'postgres'): readonly string[] {
  const tables = new Map<string, string>()
  for (const { up } of [...storageMigrations, ...migrations])
    for (const [, verb = '', name = '', table = ''] of up[engine].join(';\n').matchAll(indexForm)) {
      if (/^create/i.test(verb)) tables.set(name, table)
      else tables.delete(name)
      for (const [index, of] of tables) if (/^drop table/i.test(verb) && of === name) tables.delete(index)
    }
  return [...tables.keys()]
}

/** @returns the time of the newest complete backup as ISO text; undefined if there is none */
async function newestBackup(folder: string): Promise<string | undefined> {
  const path = resolve(folder)
  const inside = await readdir(path, { withFileTypes: true }).catch(() => [])
  const backupTimes = inside.filter((one) => one.isDirectory()).flatMap(({ name }) => madeAt(join(path, name)) ?? [])
  return backupTimes.toSorted().at(-1)
}

function madeAt(folder: string): string | undefined {
  try {
    return stored.find(folder).at
  } catch (error) {
    // Another folder, or an incomplete backup.
    if (error instanceof TroupeError) return undefined
    throw error
  }
}
