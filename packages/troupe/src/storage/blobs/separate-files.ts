/**
 * A storage that stores the data of files once per user. Wherever a change writes content, the data of its files
 * becomes blobs in the same change, and the content is stored with their hashes. Reads return the content as it was
 * written. The modules, and the encryption below, know nothing of it.
 */
import {
  type Clock,
  failure,
  finishNow,
  longLength,
  longPart,
  TimeSlice,
  type UserId,
  type WorkInParts,
} from '../../core/index.ts'
import type { Bind, Statement } from '../changes/statement.ts'
import { locationOf } from '../content.ts'
import type { OpenedStorage } from '../open-storage-options.ts'
import type { Change, CommitResult, Row, Storage } from '../storage-port.ts'
import type { UserTable } from '../user-tables.ts'
import { forwardStorage } from '../wrappers/forward-storage.ts'
import { type BlobHashes, openBlobHashes } from './blob-hashes.ts'
import { type BlobStatements, compileBlobStatements } from './blob-statements.ts'
import { joinText, mayBeSeparated, runsOf, type SeparatedText, separatedText, separateText } from './separated-text.ts'
import { createUnusedBlobs, lookupIntervalMs, ownerAt, type UnusedBlobs } from './unused-blobs.ts'

/** The number of blobs of one read. */
const blobsPerRead = 8
/** A location with a longer name has no owner row, which an index limits. Its content stays complete. */
const maxOwnerBytes = 2_000

/** The number of values of a part. A change with more is separated in parts, between which other work runs. */
const partSize = 1_024
/** The number of rows and results that are searched for files in one part: a row costs more than a value. */
const rowsPerPart = 64

interface SeparationOptions {
  readonly clock: Clock
  /** The size in bytes from which the data of a file is a blob. */
  readonly fileBytes: number
  /** As for `createBlobs`. */
  readonly secret?: Uint8Array | undefined
  /** The tables of all modules. */
  readonly tables: readonly UserTable[]
}

/** @param storage the storage with encryption, if encryption is on */
export async function separateFiles(
  storage: OpenedStorage,
  { clock, fileBytes, secret, tables }: SeparationOptions,
): Promise<{ readonly storage: OpenedStorage; readonly unusedBlobs: UnusedBlobs }> {
  const files = new FileBlobs(storage, await openBlobHashes(storage, secret), fileBytes, clock)
  return { storage: withFiles(storage, files), unusedBlobs: createUnusedBlobs(storage, tables) }
}

const withFiles = (storage: OpenedStorage, files: FileBlobs): OpenedStorage => ({
  ...forwardStorage(storage),
  ...(storage.singleWriter ? { singleWriter: storage.singleWriter } : {}),
  commit(change) {
    const { scope, statements } = change
    if (!('user' in scope)) return storage.commit(change)
    const separated = files.separated(scope.user, change)
    const result =
      separated instanceof Promise ? separated.then((parts) => storage.commit(parts)) : storage.commit(separated)
    const isComplete = separated === change && !statements.some((statement) => columnsOf(statement).length > 0)
    return isComplete ? result : files.completed(scope.user, statements, result)
  },
  read(scope, statements) {
    const rows = storage.read(scope, statements)
    if (!('user' in scope) || !statements.some(({ content }) => content)) return rows
    return rows.then((found) => files.joined(scope.user, statements, found))
  },
})

/** Returns whether a change is separated without a pause: it has few values, and no long text. */
function isShort(statements: readonly Statement[]): boolean {
  let values = 0
  for (const { content, binds } of statements) {
    values += binds.length
    if (content?.binds.some(({ index }) => isLongText(binds[index]))) return false
  }
  return values <= partSize
}

const isLongText = (value: Bind | undefined) => typeof value === 'string' && value.length > longLength

const columnsOf = (statement: Statement | undefined) => statement?.content?.columns ?? []

/** Returns the texts whose files are blobs, by their stored form. */
function* separatedTexts(
  statements: readonly Statement[],
  found: readonly (readonly Row[])[],
): WorkInParts<ReadonlyMap<string, SeparatedText>> {
  const texts = new Map<string, SeparatedText>()
  let parts = 0
  for (const [index, rows] of found.entries()) {
    if (++parts % rowsPerPart === 0) yield
    for (const { column } of columnsOf(statements[index]))
      for (const row of rows) {
        const stored = row[column]
        const separated = typeof stored === 'string' ? separatedText(stored) : undefined
        if (separated) texts.set(stored as string, separated)
        if (++parts % rowsPerPart === 0) yield
      }
  }
  return texts
}

const lookupDueAt = { $: 'now', plusMs: lookupIntervalMs } as const

/** The statements that a change gets for its files. */
interface AddedStatements {
  /** By hash. */
  readonly blobs: Map<string, Statement>
  /** By hash and owner. */
  readonly owners: Map<string, Statement>
}

class FileBlobs {
  readonly #storage: Pick<Storage, 'read'>
  readonly #statements: BlobStatements
  readonly #hashes: BlobHashes
  readonly #fileBytes: number
  readonly #clock: Clock
  /** By user: resolves when the changes that are separated in parts are ready. */
  readonly #inParts = new Map<UserId, Promise<void>>()

  constructor(storage: Pick<Storage, 'dialect' | 'read'>, hashes: BlobHashes, fileBytes: number, clock: Clock) {
    this.#storage = storage
    this.#clock = clock
    this.#statements = compileBlobStatements(storage.dialect)
    this.#hashes = hashes
    this.#fileBytes = fileBytes
  }

  /**
   * Returns the change with the files of its content as blobs, whose statements follow those of the caller; the same change
   * if it has no text to separate. The changes of a user are ready in the order of the calls.
   */
  separated(user: UserId, change: Change): Change | Promise<Change> {
    const before = this.#inParts.get(user)
    if (!before && !change.statements.some((statement) => this.#mayChange(statement))) return change
    if (!before && isShort(change.statements)) return finishNow(this.#separatedInParts(user, change))
    const separated = this.#separatedAfter(before, user, change)
    const ended = separated
      .catch(() => {})
      .then(() => {
        if (this.#inParts.get(user) === ended) this.#inParts.delete(user)
      })
    this.#inParts.set(user, ended)
    return separated
  }

  #mayChange({ content, binds }: Statement): boolean {
    for (const { index } of content?.binds ?? []) {
      const text = binds[index]
      if (typeof text === 'string' && mayBeSeparated(text, this.#fileBytes)) return true
    }
    return false
  }

  async #separatedAfter(before: Promise<void> | undefined, user: UserId, change: Change): Promise<Change> {
    await before
    return new TimeSlice(this.#clock).finish(this.#separatedInParts(user, change))
  }

  *#separatedInParts(user: UserId, change: Change): WorkInParts<Change> {
    const blobs = new Map<string, Statement>()
    const owners = new Map<string, Statement>()
    const statements: Statement[] = []
    for (const statement of change.statements) {
      const { content } = statement
      statements.push(content ? yield* this.#separatedStatement(user, statement, { blobs, owners }) : statement)
      yield
    }
    if (blobs.size === 0) return { ...change, statements }
    const scheduled = this.#statements.schedule({ user, dueAt: lookupDueAt })
    return { ...change, statements: [...statements, ...blobs.values(), ...owners.values(), scheduled] }
  }

  *#separatedStatement(user: UserId, statement: Statement, added: AddedStatements): WorkInParts<Statement> {
    let binds: Bind[] | undefined
    let values = 0
    for (const { index, to } of statement.content?.binds ?? []) {
      if (++values % partSize === 0) yield
      const text = statement.binds[index]
      if (typeof text !== 'string') continue
      const stored = yield* this.#separatedText(user, text, () => ownerAt(locationOf(to, statement.binds)), added)
      if (stored === text) continue
      binds ??= [...statement.binds]
      binds[index] = stored
    }
    return binds ? { ...statement, binds } : statement
  }

  *#separatedText(
    user: UserId,
    text: string,
    ownerOf: () => string,
    { blobs, owners }: AddedStatements,
  ): WorkInParts<string> {
    const isLong = isLongText(text)
    if (isLong) yield longPart
    const runs = runsOf(text, this.#fileBytes)
    const owner = runs.length === 0 ? '' : ownerOf()
    if (runs.length === 0 || Buffer.byteLength(owner) > maxOwnerBytes) return separateText(text, [], [])
    const hashes: string[] = []
    for (const { from, to } of runs) {
      if (isLong) yield longPart
      const content = text.slice(from, to)
      const hash = this.#hashes.of(user, content)
      const own = { user, owner, hash, dueAt: lookupDueAt }
      // The content is always sent, because the blob may be deleted before the change commits.
      blobs.set(hash, this.#statements.put({ user, hash, bytes: content.length, content }))
      owners.set(`${hash} ${owner}`, this.#statements.ownByLocation(own))
      hashes.push(hash)
    }
    if (isLong) yield longPart
    return separateText(text, runs, hashes)
  }

  /** Returns the result for the statements of the caller, with complete content. */
  async completed(
    user: UserId,
    statements: readonly Statement[],
    committing: Promise<CommitResult>,
  ): Promise<CommitResult> {
    const result = await committing
    if (!result.ok || result.repeated) return result
    const rows = await this.joined(user, statements, result.rows.slice(0, statements.length))
    return { ...result, rows, affected: result.affected.slice(0, statements.length) }
  }

  /** Returns the rows with complete content. */
  async joined(
    user: UserId,
    statements: readonly Statement[],
    found: readonly (readonly Row[])[],
  ): Promise<readonly (readonly Row[])[]> {
    const texts = await new TimeSlice(this.#clock).finish(separatedTexts(statements, found))
    if (texts.size === 0) return found
    const data = await this.#load(
      user,
      new Set([...texts.values()].flatMap(({ runs }) => runs.map(([, hash]) => hash))),
    )
    const complete = (row: Row, index: number): Row => {
      const joined: Record<string, Row[string]> = { ...row }
      for (const { column } of columnsOf(statements[index])) {
        const separated = texts.get(String(row[column]))
        if (separated) joined[column] = joinText(separated, (hash) => data.get(hash) as string)
      }
      return joined
    }
    return found.map((rows, index) =>
      columnsOf(statements[index]).length === 0 ? rows : rows.map((row) => complete(row, index)),
    )
  }

  /** @throws ProcessingError `storage.corrupt` if a blob is missing or was changed */
  async #load(user: UserId, hashes: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
    const loaded = new Map<string, string>()
    const missing = [...hashes]
    while (missing.length > 0) {
      const some = missing.splice(0, blobsPerRead)
      const reads = some.map((hash) => this.#statements.content({ user, hash }, { returns: true }))
      const rows = await this.#storage.read({ user }, reads)
      some.forEach((hash, i) => {
        const content = rows[i]?.[0]?.content
        if (typeof content !== 'string')
          throw failure('storage.corrupt', { path: 'of the storage', problem: 'the data of a file is missing' })
        this.#hashes.check(user, content, hash)
        loaded.set(hash, content)
      })
    }
    return loaded
  }
}
