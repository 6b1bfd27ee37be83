/**
 * Ensures one owner per file. The lock is SQLite's own, on an empty file beside the database. The operating system
 * releases it when the process ends, however it ends, and it works across containers of one kernel. A dead owner or a
 * reused process id therefore never blocks the file. A second file, the owner file, identifies the owner for people and
 * programs.
 *
 * The lock file remains when the database has no owner: after a removal two processes could lock two files of that
 * name.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { failure } from '../../../core/index.ts'
import { isRunning, type ProcessIdentity, thisProcess } from '../../process-identity.ts'
import { DatabaseSync } from '../database-sync.ts'
import { resultCode } from '../error-class.ts'
import { fileFailure } from './file-failure.ts'

const lockOf = (path: string) => `${path}.lock`
const cardOf = (path: string) => `${path}.owner`

/** The content of the owner file. */
interface Card {
  readonly troupe: 'owner'
  readonly host: string
  readonly since: string
  readonly address?: string
  readonly process: ProcessIdentity
  /** The identities of the described files: a copied owner file does not match its new neighbours. */
  readonly lockFile: string
  readonly database: string | null
}

const busy = 5
const notADatabase = 26

export class OwnerLock {
  readonly #path: string
  readonly #db: DatabaseSync
  #card: Card

  static existsFor(path: string): boolean {
    return existsSync(lockOf(path))
  }

  /**
   * @param at ms since 1970
   * @throws ConflictError `storage.owned` with pid, host, since and, if announced, address
   */
  static acquire(path: string, at: number): OwnerLock {
    const before = readCard(path)
    // Created separately only if it is missing: closing a descriptor would drop the locks that this process has on the
    // file.
    if (!existsSync(lockOf(path))) closeSync(openSync(lockOf(path), 'a', 0o600))
    // Without permission SQLite reports only that the file cannot be opened, so the permission is checked first.
    accessSync(lockOf(path), constants.R_OK | constants.W_OK)
    const db = new DatabaseSync(lockOf(path), { timeout: 0 })
    try {
      db.exec('pragma journal_mode = off; begin exclusive')
    } catch (error) {
      db.close()
      if (resultCode(error) === notADatabase)
        throw failure('storage.foreign', { path: lockOf(path), problem: 'it has other content' })
      throw (resultCode(error) & 0xff) === busy ? owned(path, readCard(path)) : error
    }
    const lock = new OwnerLock(path, db, at)
    if (before && stillOwns(before, lock.#card)) {
      lock.#drop()
      throw owned(path, before)
    }
    return lock
  }

  private constructor(path: string, db: DatabaseSync, at: number) {
    this.#path = path
    this.#db = db
    this.#card = {
      troupe: 'owner',
      host: hostname(),
      since: new Date(at).toISOString(),
      process: thisProcess(),
      lockFile: fileIdentity(lockOf(path)) ?? '',
      database: fileIdentity(path) ?? null,
    }
  }

  /**
   * Writes the owner file; the database must exist. The file is renamed into place, so that it is never read
   * half-written. Without an address it always succeeds: a file that cannot be written is removed.
   * @throws CapacityError `storage.full`, and the other failures of a file
   */
  announce(address?: string): void {
    const { address: _, ...rest } = { ...this.#card, database: fileIdentity(this.#path) ?? null }
    this.#card = address === undefined ? rest : { ...rest, address }
    const fresh = `${cardOf(this.#path)}.new`
    try {
      writeFileSync(fresh, `${JSON.stringify(this.#card)}\n`, { mode: 0o600 })
      renameSync(fresh, cardOf(this.#path))
    } catch (error) {
      rmSync(fresh, { force: true })
      if (address !== undefined) throw fileFailure(error, this.#path)
      // A server also closes on a full disk, which rejects writes and not removals.
      rmSync(cardOf(this.#path), { force: true })
    }
  }

  release(): void {
    rmSync(cardOf(this.#path), { force: true })
    this.#drop()
  }

  #drop(): void {
    this.#db.close()
  }
}

/**
 * Whether this process has the lock although the earlier owner is running: the lock file was deleted and created again.
 */
const stillOwns = (card: Card, own: Card): boolean =>
  card.lockFile !== own.lockFile && card.database === own.database && card.database !== null && isRunning(card.process)

const fileIdentity = (path: string): string | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}

/** @throws ValidationError `storage.foreign` if the file is not an owner file */
function readCard(path: string): Card | undefined {
  const problem = 'it has other content'
  let text: string
  try {
    text = readFileSync(cardOf(path), 'utf8')
  } catch {
    return undefined
  }
  // A power failure may leave a file without content.
  if (text.replaceAll('\0', '') === '') return undefined
  try {
    const card = JSON.parse(text) as Card
    if (card.troupe === 'owner') return card
  } catch {}
  throw failure('storage.foreign', { path: cardOf(path), problem })
}

function owned(path: string, card: Card | undefined) {
  const { host = 'this host', since = 'just now', address } = card ?? {}
  const isHere = card?.process.pid === process.pid && isRunning(card.process)
  return failure('storage.owned', {
    path,
    pid: card?.process.pid ?? 'unknown',
    host,
    since,
    remedy: isHere
      ? 'That is this process: close its first troupe, or share that troupe.'
      : 'End that process, or use its server.',
    ...(address === undefined ? {} : { address }),
  })
}
