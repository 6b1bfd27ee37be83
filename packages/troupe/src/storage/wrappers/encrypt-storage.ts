/**
 * A storage with encrypted content: the values that modules declare are encrypted in each change and decrypted in each
 * read. The layers below (grouping, pipelining, the log, the file) see only encrypted values.
 *
 * Invariant: an encrypted value is committed only with the guards of its codec, so that no value is written under a key
 * that was removed meanwhile.
 */
import { failure, TroupeError, type UserId } from '../../core/index.ts'
import { checkBinds } from '../changes/check-change.ts'
import type { Bind, Statement } from '../changes/statement.ts'
import type { Codec, EncryptedValues, LocatedValue } from '../codec-port.ts'
import { locationOf } from '../content.ts'
import type { OpenedStorage } from '../open-storage-options.ts'
import type { Change, CommitResult, Row } from '../storage-port.ts'
import { forwardStorage } from './forward-storage.ts'

/** The number of times that a change is retried because its user's key was rotated. */
const attempts = 5

/**
 * Wraps a storage.
 * @example const encrypted = encryptStorage(await openStorage(options), codec)
 */
export function encryptStorage(storage: OpenedStorage, codec: Codec): OpenedStorage {
  const commits = new EncryptedCommits(storage, codec)
  return {
    ...forwardStorage(storage),
    commit: (change) => commits.commit(change),
    async read(scope, statements) {
      const rows = await storage.read(scope, statements)
      if (!('user' in scope) || !statements.some(({ content }) => content)) return rows
      try {
        return await decrypted(codec, scope.user, statements, rows)
      } catch (error) {
        if (!(error instanceof TroupeError) || error.code !== 'encryption.damaged') throw error
        // The value may have been re-encrypted, and its old key destroyed, since the rows were read.
        return decrypted(codec, scope.user, statements, await storage.read(scope, statements))
      }
    },
  }
}

/**
 * Forwards changes in the order of the calls, as without encryption: while one waits for a key, later changes of its
 * user queue.
 */
class EncryptedCommits {
  readonly #storage: OpenedStorage
  readonly #codec: Codec
  /** For each user the last queued change: resolves when that change is forwarded. */
  readonly #lines = new Map<UserId, Promise<void>>()

  constructor(storage: OpenedStorage, codec: Codec) {
    this.#storage = storage
    this.#codec = codec
  }

  async commit(change: Change): Promise<CommitResult> {
    const { scope, statements } = change
    if (!('user' in scope)) return this.#storage.commit(change)
    const values = statements.flatMap(valuesOf)
    if (values.length > 0) checkBinds([{ sql: '', binds: values.map(({ text }) => text) }])
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { result, encrypted } = await this.#forward(scope.user, change, values)
      if (result.ok) {
        encrypted?.committed()
        return answered(this.#codec, scope.user, statements, result)
      }
      if (result.statement < statements.length) return result
      this.#codec.outdated(scope.user)
    }
    throw failure('encryption.changing', { user: scope.user })
  }

  /** Forwards the change at once if no change is queued and the key is cached. */
  #forward(user: UserId, change: Change, values: readonly LocatedValue[]): Promise<Handed> {
    const encrypted = values.length > 0 && !this.#lines.has(user) ? this.#codec.encrypt(user, values) : undefined
    if (encrypted instanceof Promise || this.#lines.has(user)) return this.#inLine(user, change, values, encrypted)
    return this.#send(change, encrypted)
  }

  async #inLine(
    user: UserId,
    change: Change,
    values: readonly LocatedValue[],
    begun: EncryptedValues | Promise<EncryptedValues> | undefined,
  ): Promise<Handed> {
    const before = this.#lines.get(user)
    const handed = Promise.withResolvers<void>()
    this.#lines.set(user, handed.promise)
    let sending: Promise<Handed>
    try {
      await before
      const encrypted = values.length === 0 ? undefined : await (begun ?? this.#codec.encrypt(user, values))
      sending = this.#send(change, encrypted)
    } finally {
      if (this.#lines.get(user) === handed.promise) this.#lines.delete(user)
      handed.resolve()
    }
    return sending
  }

  async #send(change: Change, encrypted: EncryptedValues | undefined): Promise<Handed> {
    if (!encrypted) return { result: await this.#storage.commit(change), encrypted }
    const statements = [...filled(change.statements, encrypted.texts), ...encrypted.guards]
    return { result: await this.#storage.commit({ ...change, statements }), encrypted }
  }
}

interface Handed {
  readonly result: CommitResult
  readonly encrypted: EncryptedValues | undefined
}

const valuesOf = ({ binds, content }: Statement): readonly LocatedValue[] =>
  content?.binds.flatMap(({ index, to }) => {
    const text = binds[index]
    return typeof text === 'string' ? [{ text, location: locationOf(to, binds) }] : []
  }) ?? []

/** Returns the statements with encrypted values, which are in the order of `valuesOf`. */
function filled(statements: readonly Statement[], texts: readonly string[]): readonly Statement[] {
  let next = 0
  return statements.map((statement) => {
    if (!statement.content?.binds.length) return statement
    const binds: Bind[] = [...statement.binds]
    for (const { index } of statement.content.binds)
      if (typeof binds[index] === 'string') binds[index] = texts[next++] as string
    return { ...statement, binds }
  })
}

/** Removes the rows of the guards, which are the last statements, and decrypts the others. */
async function answered(
  codec: Codec,
  user: UserId,
  statements: readonly Statement[],
  result: CommitResult,
): Promise<CommitResult> {
  if (!result.ok || result.repeated) return result
  const rows = await decrypted(codec, user, statements, result.rows.slice(0, statements.length))
  return { ...result, rows, affected: result.affected.slice(0, statements.length) }
}

async function decrypted(
  codec: Codec,
  user: UserId,
  statements: readonly Statement[],
  found: readonly (readonly Row[])[],
): Promise<readonly (readonly Row[])[]> {
  const values: LocatedValue[] = []
  const cells: { readonly row: Record<string, Row[string]>; readonly column: string }[] = []
  const rows = found.map((ofOne, index) => {
    const { content, binds } = statements[index] as Statement
    if (!content || ofOne.length === 0) return ofOne
    return ofOne.map((stored) => {
      const row = { ...stored }
      for (const { column, to } of content.columns) {
        const text = row[column]
        if (typeof text !== 'string') continue
        values.push({ text, location: locationOf(to, binds, stored) })
        cells.push({ row, column })
      }
      return row
    })
  })
  if (values.length === 0) return found
  const texts = await codec.decrypt(user, values)
  cells.forEach(({ row, column }, i) => {
    row[column] = texts[i] as string
  })
  return rows
}
