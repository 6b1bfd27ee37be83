/**
 * One owner per file. The lock is SQLite's own, held on an empty file beside the database: the operating system drops it
 * with the process, however that ends, and it holds across containers of one kernel. So a dead owner is never in the way,
 * and a process id that was given out again misleads nobody. A second file names the owner, for people and programs.
 *
 * The lock file stays when nobody owns the database: removing it would let two processes lock two files of that name.
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

const lockOf = (path: string) => `${path}.lock`
const cardOf = (path: string) => `${path}.owner`

/** What the file beside the database says of its owner. */
interface Card {
  readonly troupe: 'owner'
  readonly host: string
  readonly since: string
  readonly address?: string
  readonly process: ProcessIdentity
  /** The files that were meant: a copied card speaks of others. */
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
   * @throws ConflictError `storage.owned` with pid, host, since and, where it was announced, address
   */
  static acquire(path: string, at: number): OwnerLock {
    const before = readCard(path)
    // Opened by hand only when it is new: closing a descriptor would take away the locks that this process has on it.
    if (!existsSync(lockOf(path))) closeSync(openSync(lockOf(path), 'a', 0o600))
    // SQLite says of a lock that is somebody else's only that it cannot be opened.
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

  /** Names this process as the owner; the database exists. By way of another name, so that nobody reads half of it. */
  announce(address?: string): void {
    const { address: _, ...rest } = { ...this.#card, database: fileIdentity(this.#path) ?? null }
    this.#card = address === undefined ? rest : { ...rest, address }
    const fresh = `${cardOf(this.#path)}.new`
    writeFileSync(fresh, `${JSON.stringify(this.#card)}\n`, { mode: 0o600 })
    renameSync(fresh, cardOf(this.#path))
  }

  release(): void {
    rmSync(cardOf(this.#path), { force: true })
    this.#drop()
  }

  #drop(): void {
    this.#db.close()
  }
}

/** The lock is ours, and yet its owner lives: somebody deleted the lock file and made way for a second one. */
const stillOwns = (card: Card, own: Card): boolean =>
  card.lockFile !== own.lockFile && card.database === own.database && card.database !== null && isRunning(card.process)

const fileIdentity = (path: string): string | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}

/** @throws ValidationError `storage.foreign` when a file of that name is no card */
function readCard(path: string): Card | undefined {
  const problem = 'it has other content'
  let text: string
  try {
    text = readFileSync(cardOf(path), 'utf8')
  } catch {
    return undefined
  }
  // A power cut may leave a file without content.
  if (text.replaceAll('\0', '') === '') return undefined
  try {
    const card = JSON.parse(text) as Card
    if (card.troupe === 'owner') return card
  } catch {}
  throw failure('storage.foreign', { path: cardOf(path), problem })
}

function owned(path: string, card: Card | undefined) {
  const { host = 'this host', since = 'just now', address } = card ?? {}
  return failure('storage.owned', {
    path,
    pid: card?.process.pid ?? 'unknown',
    host,
    since,
    ...(address === undefined ? {} : { address }),
  })
}
