/**
 * Erases a user, in an order that a crash at any time cannot break:
 *
 * 1. One change sets a mark and deletes the user's data keys: from then on no process can decrypt or encrypt a value of the
 *    user.
 * 2. The runs and workers of the user in this process end.
 * 3. Rows are deleted in bounded batches, while other users continue.
 * 4. One last change deletes rows that were added meanwhile from all tables, and the user's name from the mark.
 *
 * Invariant: work that began before cannot write after the last change, because its journals are deleted, and it creates none
 * without its message, thread or run. A process that opens
 * the storage continues an erasure whose mark it finds. A change that fails is retried in the background: the
 * process opens for its other users, and the user begins no work that a later opening would delete.
 */
import { checkName, failure, type Platform, sleep, type TroupeError, type UserId } from '../../core/index.ts'
import {
  committed,
  type OpenedStorage,
  type Row,
  type Statement,
  type UserTable,
  type WorkQueue,
} from '../../storage/index.ts'
import { markOf } from '../encryption/data-key-statements.ts'
import type { OpenedEncryption } from '../encryption/open-encryption.ts'
import { erasureStatements, markedStatement } from './erasure-statements.ts'

/** The result of the erasure of a user. */
export interface ErasureResult {
  /** The number of rows that this call deleted, by module. */
  readonly rows: { readonly [moduleName: string]: number }
  /**
   * The data of the user in earlier backups. `encrypted`: values whose data key is deleted here; a backup that also has the row of
   * the data key can be decrypted with the key ring until the key of the ring that wrapped it is deleted. `plain`: all values;
   * only the deletion of the backups removes them.
   */
  readonly backups: 'encrypted' | 'plain'
}

/** The work and the cached values of users in this process. */
export interface UsersHere {
  /** Ends the work for the user and drops its cached values. @returns the function that allows new work */
  readonly releaseUser: (user: UserId) => Promise<() => void>
  /** Returns the users with cached values. */
  readonly cachedUsers: () => Iterable<UserId>
  /** Drops the cached values of a user. */
  readonly dropCaches: (user: UserId) => Promise<void>
}

export interface ErasureParts {
  /** The storage without encryption, for the rows themselves. */
  readonly storage: OpenedStorage
  readonly platform: Pick<Platform, 'clock' | 'events'>
  /** The key ring, and the function that drops the cached data keys of the user. */
  readonly encryption: Pick<OpenedEncryption, 'keyRing' | 'outdated'>
  readonly users: UsersHere
  /** Reports an error that no caller gets. */
  readonly failed: (message: string, error: unknown) => void
  /** Records the erasure in the audit log. */
  readonly recorded: (user: UserId) => readonly Statement[]
}

/** The number of rows of one change. */
const batch = 500
/** The first and the longest pause before a change that failed is retried. */
const retryMs = { first: 1_000, last: 60_000 } as const

export interface Erasure {
  /** @throws ValidationError for an invalid name; the first error of the storage, while the erasure continues */
  forget(user: UserId): Promise<ErasureResult>
  /**
   * Completes erasures of earlier processes, or retries them in the background after a failure; from then on watches the
   * erasures of other processes.
   */
  start(): Promise<void>
  stop(): Promise<void>
}

/** @param tables those of all modules */
export function createErasure(parts: ErasureParts, tables: readonly UserTable[]): Erasure {
  const statements = erasureStatements(parts.storage.dialect, tables, batch)
  const inProgress = new Map<UserId, Promise<ErasureResult>>()
  const closing = new AbortController()
  let stop = async () => {}
  const retrying =
    (onFailure: (error: unknown) => void): Retrying =>
    async (change) => {
      for (let pauseMs: number = retryMs.first; ; pauseMs = Math.min(2 * pauseMs, retryMs.last))
        try {
          return await change()
        } catch (error) {
          if (closing.signal.aborted) throw error
          parts.failed('a change of the erasure of a user failed and will be retried', error)
          onFailure(error)
          await sleep(parts.platform.clock, pauseMs, closing.signal).catch(() => {
            throw failure('troupe.closed', { what: 'The forgetting' })
          })
        }
    }
  const begin = (user: UserId, isMarked: boolean, onFailure: (error: unknown) => void): Promise<ErasureResult> => {
    const retried = retrying(onFailure)
    // A mark that failed may be committed: work that begins now would be deleted by the next opening.
    const marked = isMarked ? Promise.resolve() : retried(() => mark(parts, statements, user, noticed))
    const erasing = marked
      .then(() => eraseMarked(parts, statements, user, retried))
      .finally(() => inProgress.delete(user))
    inProgress.set(user, erasing)
    return erasing
  }
  const noticed: NoticedErasures = new Map()
  return {
    async forget(name) {
      const user = checkName('user', name)
      return (
        inProgress.get(user) ??
        new Promise<ErasureResult>((resolve, reject) => begin(user, false, reject).then(resolve, reject))
      )
    },
    async start() {
      const readMarks = async (since: number): Promise<readonly Mark[]> => {
        const [rows = []] = await parts.storage.read({ work: true }, [statements.marks(since)])
        return rows.map(toMark)
      }
      for (const { mark, user, at } of await readMarks(parts.platform.clock.now() - overlapMs)) {
        noticed.set(mark, at)
        if (user !== undefined)
          await new Promise<void>((resolve, reject) => begin(user, true, () => resolve()).then(() => resolve(), reject))
      }
      stop = watchOtherProcesses(parts, { readMarks, noticed, isOurs: (user) => inProgress.has(user) })
    },
    stop() {
      closing.abort()
      return stop()
    },
  }
}

/** The mark of an erasure; it names the user until the erasure is complete. */
interface Mark {
  readonly mark: string
  /** By the clock of the process that erases. */
  readonly at: number
  readonly user?: UserId
}
const toMark = ({ mark, user_id, at }: Row): Mark => ({
  mark: String(mark),
  at: Number(at),
  ...(user_id === null ? {} : { user: String(user_id) }),
})

/** The times of known erasures by their marks. */
type NoticedErasures = Map<string, number>

/** How far behind the clock of another process may be for its complete erasures to be noticed. */
const overlapMs = 3_600_000

interface OtherProcesses {
  readonly readMarks: (since: number) => Promise<readonly Mark[]>
  readonly noticed: NoticedErasures
  readonly isOurs: (user: UserId) => boolean
}

/**
 * Ends the work here for a user that another process erases, and allows it again after the erasure. An erasure may be complete
 * before this process reads its mark, because the process was suspended or busy or was not notified. Then cached values are
 * dropped, and work that began before ends when it writes.
 */
function watchOtherProcesses(parts: ErasureParts, { readMarks, noticed, isOurs }: OtherProcesses): () => Promise<void> {
  const { storage, platform, users, encryption, failed } = parts
  const pausedUsers = new Map<UserId, () => void>()
  const report = (error: unknown) => failed('work for an erased user may continue in this process', error)
  let polling: Promise<void> = Promise.resolve()
  let polledAt = platform.clock.now()
  const poll = async () => {
    const since = polledAt - overlapMs
    const now = platform.clock.now()
    const marks = await readMarks(since)
    const missed = new Set(
      marks.filter(({ mark, at, user }) => !user && noticed.get(mark) !== at).map(({ mark }) => mark),
    )
    const theirs = marks.flatMap(({ user }) => (user === undefined || isOurs(user) ? [] : [user]))
    for (const user of theirs) if (!pausedUsers.has(user)) pausedUsers.set(user, await users.releaseUser(user))
    for (const [user, begin] of pausedUsers)
      if (!theirs.includes(user)) {
        pausedUsers.delete(user)
        missed.delete(markOf(user))
        encryption.outdated(user)
        begin()
      }
    if (missed.size > 0)
      for (const user of new Set(users.cachedUsers())) if (missed.has(markOf(user))) await users.dropCaches(user)
    for (const { mark, at } of marks) noticed.set(mark, at)
    for (const [mark, at] of noticed) if (at <= since) noticed.delete(mark)
    polledAt = now
  }
  const unhint = storage.onHint((hint) => {
    if ('work' in hint && hint.work === 'cleanup') polling = polling.then(poll).catch(report)
  })
  return () => {
    unhint()
    return polling
  }
}

/** @returns the error for missing data of a user that was erased or is being erased; undefined for other users */
export function createErasureCheck(storage: OpenedStorage): (user: UserId) => Promise<TroupeError | undefined> {
  const marked = markedStatement(storage.dialect)
  return async (user) => {
    const [rows] = await storage.read({ work: true }, [marked({ mark: markOf(user) })])
    return rows?.length ? failure('user.forgotten', { user }) : undefined
  }
}

type Statements = ReturnType<typeof erasureStatements>

/** Repeats a change until it succeeds or the troupe closes. */
type Retrying = <T>(change: () => Promise<T>) => Promise<T>

async function mark(
  { storage, platform, encryption, recorded }: ErasureParts,
  { begin }: Statements,
  user: UserId,
  noticed: NoticedErasures,
): Promise<void> {
  const at = platform.clock.now()
  noticed.set(markOf(user), at)
  const statements = [...begin(user, at), ...recorded(user)]
  await committed(storage, { id: null, scope: { user }, statements, wake: ['cleanup'] })
  encryption.outdated(user)
}

/** Ends the work for the user, deletes everything of the user, and allows new work. */
async function eraseMarked(
  parts: ErasureParts,
  statements: Statements,
  user: UserId,
  retried: Retrying,
): Promise<ErasureResult> {
  const { clock, events } = parts.platform
  const { keyRing, outdated } = parts.encryption
  const begin = await parts.users.releaseUser(user)
  let rows: ReadonlyMap<string, number>
  try {
    await retried(async () => keyRing?.forget?.(user))
    rows = await deleteRows(parts, statements, user, retried)
  } finally {
    outdated(user)
    begin()
  }
  events.emit({
    type: 'user.forgotten',
    at: clock.now(),
    userId: user,
    rows: [...rows.values()].reduce((a, b) => a + b, 0),
  })
  return { rows: Object.fromEntries(rows), backups: keyRing ? 'encrypted' : 'plain' }
}

/** @returns the number of deleted rows by module */
async function deleteRows(
  { storage, recorded }: ErasureParts,
  statements: Statements,
  user: UserId,
  retried: Retrying,
): Promise<ReadonlyMap<string, number>> {
  // Each attempt has its own statements, because a record of the audit log cannot be added twice.
  const commit = (list: () => readonly Statement[], wake: readonly WorkQueue[] = []) =>
    retried(() => committed(storage, { id: null, scope: { user }, statements: list(), wake }))
  const rows = new Map<string, number>()
  const count = (moduleName: string, removed: number) => {
    if (removed > 0) rows.set(moduleName, (rows.get(moduleName) ?? 0) + removed)
  }
  for (const table of statements.tables)
    for (let removed = statements.batch; removed === statements.batch; ) {
      const { affected } = await commit(() => table.some(user))
      removed = affected[statements.before] ?? 0
      count(table.module, removed)
    }
  const { affected } = await commit(() => [...statements.end(user), ...recorded(user)], ['cleanup'])
  statements.tables.forEach(({ module: moduleName }, i) => {
    count(moduleName, affected[statements.before + i] ?? 0)
  })
  return rows
}
