/** Checks of the storage: durability, backups, isolation and migrations. */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { milliseconds, TroupeError } from '../../../core/index.ts'
import { type StorageFinding, schemaObjects, storageMigrations, backups as stored } from '../../../storage/index.ts'
import { diskUsed } from '../../health-checks.ts'
import { migrations } from '../../troupe-tables.ts'
import { versionsOf } from '../../versions.ts'
import { counted, fail, isPostgres, listNames, pass, type SystemSubject, short, warn } from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const singleDatabaseBytes = 10 * 1_073_741_824

export const storageChecks = {
  'storage.durable'(subject) {
    if (subject.config.storage !== 'memory:') return pass('A commit is on disk before it is acknowledged.')
    return short(
      subject,
      'The data is in memory and is lost when the process ends.',
      'Set storage to sqlite:PATH or postgres://…, or TROUPE_STORAGE.',
    )
  },

  async 'storage.migrated'({ parts, pending }) {
    if (parts) {
      const { storage } = parts.stores
      const there = await namesOf(storage, 'table')
      const missing = objectsOf(storage.dialect.name).tables.filter((name) => !there.has(name))
      if (missing.length === 0)
        return pass('All migrations were applied when the troupe opened, and every table exists.')
      return fail(
        `Missing since the troupe opened: ${listNames(missing)}.`,
        'Stop the processes, and restore a backup into an empty database. Checks that read a missing table fail too.',
      )
    }
    const remedy =
      'Make a backup, then apply them with `troupe migrate`. The previous release can still use the database.'
    if (pending === undefined)
      return warn(
        'The migrations could not be read.',
        'Solve the problem that troupe.opens reports, and run the doctor again.',
      )
    return pending.length === 0 ? pass('None is pending.') : warn(`Pending: ${listNames(pending)}.`, remedy)
  },

  'storage.shared'(subject) {
    if (isPostgres(subject)) return pass('PostgreSQL: any number of processes can use it.')
    return warn(
      'SQLite: only one process can use this storage, and no other can take over its work.',
      'If one process is not enough, move to PostgreSQL: docs/postgres.md.',
    )
  },

  async 'storage.pool'({ parts, config }) {
    if (parts.stores.storage.dialect.name === 'sqlite') return pass('SQLite needs no pool.')
    const options = typeof config.storage === 'object' && !('secret' in config.storage) ? config.storage : {}
    // Two more connections listen and renew the lease of the process.
    const maxConnections = (options.poolSize ?? 10) + (options.poolOverflow ?? 0) + 2
    const [[row] = []] = await parts.stores.storage.read({ work: true }, [
      {
        sql: `select least(
            current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
            (select nullif(datconnlimit, -1) from pg_database where datname = current_database()),
            (select nullif(rolconnlimit, -1) from pg_roles where rolname = session_user)) as free`,
        binds: [],
        returns: true,
      },
    ])
    const free = Number(row?.free)
    const seen = `Up to ${maxConnections} connections of this process; the server accepts ${free}.`
    if (maxConnections > free)
      return fail(
        seen,
        'Lower storage.poolSize and poolOverflow, or raise max_connections of the server, or the connection limit of the role or the database.',
      )
    if (maxConnections * 2 > free)
      return warn(seen, 'A second process would not fit: lower storage.poolSize and poolOverflow, or raise that limit.')
    return pass(seen)
  },

  async 'storage.isolation'({ parts }) {
    const found = await findings(parts.stores, 'storage.insecure')
    if (found) return fail(found.message, found.remedy)
    return parts.stores.storage.dialect.name === 'sqlite'
      ? pass('Every statement has the scope of one user.')
      : pass('Row-level security is forced on every table of users, and the application role cannot turn it off.')
  },

  async 'storage.role'(subject) {
    const { storage } = subject.parts.stores
    if (storage.dialect.name === 'sqlite')
      return pass('SQLite has no roles: an account that can read the file can read all data.')
    const powerful = await findings(subject.parts.stores, 'storage.powerful_role')
    if (powerful) return short(subject, powerful.message, powerful.remedy)
    const creating = await findings(subject.parts.stores, 'storage.creating_role')
    return creating
      ? warn(creating.message, creating.remedy)
      : pass('The role owns no table and is subject to row-level security.')
  },

  async 'storage.listen'({ parts }) {
    if (parts.stores.storage.dialect.name === 'sqlite')
      return pass('Only one process uses SQLite, so no notifications are needed.')
    const deaf = await findings(parts.stores, 'storage.no_listen')
    if (deaf)
      return warn(
        `${deaf.message} Messages, timers and live views of other processes are up to one second late; nothing is lost.`,
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
        `${summary}; the disk of its server is not visible from here.`,
        'Monitor the disk of the server, and attest it: doctor.attest of storage.space, with the date.',
      )
    const used = await diskUsed(storage.location)
    const limit = config.health?.disk ?? 0.9
    const seen = `${summary}, and ${Math.round(used * 100)} % of its disk is used.`
    if (used > Math.max(limit, 0.97)) return fail(seen, 'Free disk space: writes fail on a full disk.')
    return used > limit ? warn(seen, 'Free disk space, or shorten retention.') : pass(seen)
  },

  async 'storage.size'(subject) {
    const { database } = await subject.parts.stores.storage.sizes()
    if (database < singleDatabaseBytes) return pass(`${megabytes(database)}: one database is enough.`)
    return short(
      subject,
      `${megabytes(database)}, all in one database.`,
      'Plan to partition the users over several databases, and attest it: doctor.attest of storage.size, with the date.',
    )
  },

  async 'storage.indexes'({ parts }) {
    const { storage } = parts.stores
    const there = await namesOf(storage, 'index')
    const wanted = objectsOf(storage.dialect.name).indexes
    const missing = wanted.filter((name) => !there.has(name))
    if (missing.length === 0) return pass(`${counted(wanted.length, 'index')} besides the primary keys, all present.`)
    return fail(
      `Missing or invalid: ${listNames(missing)}.`,
      'Create them as in the migrations, or restore a backup into an empty database. Without them, queries read complete tables.',
    )
  },

  async 'storage.backup'(subject) {
    const { config, now } = subject
    if (config.storage === 'memory:')
      return warn('Data in memory cannot be backed up.', 'Set storage to a file or a server.')
    const { backups, backupEvery = '1d' } = config.doctor ?? {}
    if (backups === undefined)
      return short(
        subject,
        'The folder of backups is not configured.',
        'Set doctor.backups to the folder, or attest storage.backup with the date of the last tested restore.',
      )
    const found = await newestBackup(backups)
    if (found === undefined)
      return short(
        subject,
        `There is no backup in ${backups}.`,
        `Run \`troupe backup ${join(backups, 'NAME')}\` every day.`,
      )
    const age = now - Date.parse(found)
    const seen = `The newest backup in ${backups} is of ${found}.`
    if (age <= milliseconds(backupEvery, 'doctor.backupEvery')) return pass(seen)
    return short(subject, seen, `Make a backup now, and find out why none was made within ${backupEvery}.`)
  },

  async 'versions.fit'({ parts }) {
    const { staleRuns, examined, more } = await versionsOf(parts, { limit: 500 })
    // Runs of agents that this process does not have are left to other processes.
    const misfit = staleRuns.filter(
      ({ newer, agents }) => newer !== undefined || agents.some(({ here }) => here !== undefined),
    )
    if (misfit.length === 0)
      return pass(
        `${counted(examined, 'run')} in progress${more ? ' checked, of more' : ''}, none started with other code.`,
      )
    return warn(
      `${listNames(misfit.map(({ run }) => run))} started with code that differs from the present code.`,
      'Finish them on the release that started them, or cancel them: `troupe versions` shows the differences.',
    )
  },
} satisfies Partial<CheckFunctions>

const findings = async (
  { storage }: SystemSubject['parts']['stores'],
  code: string,
): Promise<StorageFinding | undefined> => (await storage.check()).find((finding) => finding.code === code)

const megabytes = (bytes: number) => `${Math.max(1, Math.round(bytes / 1_048_576)).toLocaleString('en')} MB`

/** Returns the names of all tables or indexes of the database. */
async function namesOf(storage: SystemSubject['parts']['stores']['storage'], kind: 'table' | 'index') {
  const form =
    storage.dialect.name === 'sqlite'
      ? `select name from sqlite_master where type = '${kind}'`
      : `select c.relname::text as name from pg_class c left join pg_index i on i.indexrelid = c.oid
          join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema()
          and ${kind === 'index' ? 'i.indisvalid' : "c.relkind = 'r'"}`
  const [rows = []] = await storage.read({ work: true }, [{ sql: form, binds: [], returns: true }])
  return new Set(rows.map(({ name }) => String(name)))
}

const objectsOf = (engine: 'sqlite' | 'postgres') => schemaObjects([...storageMigrations, ...migrations], engine)

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
