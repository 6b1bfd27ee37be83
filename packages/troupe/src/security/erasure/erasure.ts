/**
 * Forgetting a user, in an order that a crash at any moment can't spoil:
 *
 * 1. In one change a mark that it goes on, and the user's data keys away: from here nothing sealed opens any more, and
 *    nothing is sealed for the user by whatever process.
 * 2. What works for the user in this process ends.
 * 3. Rows go in bounded batches, beside everything else.
 * 4. One last change takes what came meanwhile from every table, and the user's name from the mark.
 *
 * Invariant: work that began before can't write after the last change: the journals it writes to are gone with it. Whoever
 * opens the storage goes on with what the mark says.
 */
import { type Clock, checkName, type Events, failure, type TroupeError, type UserId } from '../../core/index.ts'
import type { CommitResult, OpenedStorage, Statement, UserTable, WorkQueue } from '../../storage/index.ts'
import { markOf } from '../encryption/data-key-statements.ts'
import type { KeyRing } from '../encryption/key-ring-port.ts'
import { erasureStatements, markedStatement } from './erasure-statements.ts'

export interface ErasureResult {
  /** Rows that this call removed, by room. */
  readonly rows: { readonly [moduleName: string]: number }
  /**
   * What backups made before still hold of the user. `encrypted`: values that only a key opens which is destroyed here; a
   * backup that holds the key's row too opens with the key ring, until the key of the ring that wrapped it is gone.
   * `plain`: everything; only deleting the backups forgets it there.
   */
  readonly backups: 'encrypted' | 'plain'
}

export interface ErasureParts {
  /** As it is, for the rows themselves. */
  readonly storage: OpenedStorage
  readonly clock: Clock
  readonly events: Events
  /** Of all rooms. */
  readonly tables: readonly UserTable[]
  readonly keyRing: KeyRing | undefined
  /** What is known of the user's keys is old. */
  readonly outdated: (user: UserId) => void
  /** Ends what works for the user in this process, and lets go of what is kept in memory. @returns what lets it begin again */
  readonly releaseUser: (user: UserId) => Promise<() => void>
  /** Ending it failed where another process forgets the user. */
  readonly failed: (error: unknown) => void
  /** That it is forgotten, for the audit log. */
  readonly recorded: (user: UserId) => readonly Statement[]
  /** Rows of one change; 500 by default. */
  readonly batch?: number
}

export interface Erasure {
  /** @throws ValidationError for a name that is not allowed; what the storage throws, after which calling again goes on */
  forget(user: UserId): Promise<ErasureResult>
  /** Ends what an earlier process began; from then on minds what other processes forget. */
  start(): Promise<void>
  stop(): Promise<void>
}

export function createErasure(parts: ErasureParts): Erasure {
  const statements = erasureStatements(parts.storage.dialect, parts.tables, parts.batch ?? 500)
  const inProgress = new Map<UserId, Promise<ErasureResult>>()
  let stop = async () => {}
  const forget = (user: UserId): Promise<ErasureResult> => {
    const known = inProgress.get(user)
    if (known) return known
    const erasing = forgetUser(parts, statements, user).finally(() => inProgress.delete(user))
    inProgress.set(user, erasing)
    return erasing
  }
  const unfinished = async (): Promise<readonly UserId[]> => {
    const [rows = []] = await parts.storage.read({ work: true }, [statements.unfinished()])
    return rows.map(({ user_id }) => String(user_id))
  }
  return {
    forget: async (user) => forget(checkName('user', user)),
    async start() {
      for (const user of await unfinished()) await forget(user)
      stop = watchOtherProcesses(parts, unfinished, (user) => inProgress.has(user))
    },
    stop: () => stop(),
  }
}

/** What works here for a user whom another process forgets ends too, and begins anew when that has ended. */
function watchOtherProcesses(
  { storage, releaseUser, outdated, failed }: ErasureParts,
  unfinished: () => Promise<readonly UserId[]>,
  isOurs: (user: UserId) => boolean,
): () => Promise<void> {
  const pausedUsers = new Map<UserId, () => void>()
  let polling: Promise<void> = Promise.resolve()
  const poll = async () => {
    const theirs = (await unfinished()).filter((user) => !isOurs(user))
    for (const user of theirs) if (!pausedUsers.has(user)) pausedUsers.set(user, await releaseUser(user))
    for (const [user, begin] of pausedUsers)
      if (!theirs.includes(user)) {
        pausedUsers.delete(user)
        outdated(user)
        begin()
      }
  }
  const unhint = storage.onHint((hint) => {
    if ('work' in hint && hint.work === 'cleanup') polling = polling.then(poll).catch(failed)
  })
  return () => {
    unhint()
    return polling
  }
}

/** @returns the error for what is missing of a user who was forgotten, or is being; undefined for everybody else */
export function createErasureCheck(storage: OpenedStorage): (user: UserId) => Promise<TroupeError | undefined> {
  const marked = markedStatement(storage.dialect)
  return async (user) => {
    const [rows] = await storage.read({ work: true }, [marked({ mark: markOf(user) }, { returns: true })])
    return rows?.length ? failure('user.forgotten', { user }) : undefined
  }
}

type Statements = ReturnType<typeof erasureStatements>

async function forgetUser(parts: ErasureParts, statements: Statements, user: UserId): Promise<ErasureResult> {
  const { storage, keyRing, events, clock, outdated, releaseUser } = parts
  const commit = (list: readonly Statement[], wake: readonly WorkQueue[] = []) => committed(storage, user, list, wake)
  const rows = new Map<string, number>()
  const count = (moduleName: string, removed: number) => {
    if (removed > 0) rows.set(moduleName, (rows.get(moduleName) ?? 0) + removed)
  }
  await commit([...statements.begin(user, clock.now()), ...parts.recorded(user)], ['cleanup'])
  outdated(user)
  const begin = await releaseUser(user)
  try {
    await keyRing?.forget?.(user)
    for (const table of statements.tables)
      for (let removed = statements.batch; removed === statements.batch; ) {
        const { affected } = await commit(table.some(user))
        removed = affected[statements.before] ?? 0
        count(table.module, removed)
      }
    const { affected } = await commit([...statements.end(user), ...parts.recorded(user)], ['cleanup'])
    statements.tables.forEach(({ module: moduleName }, i) => {
      count(moduleName, affected[statements.before + i] ?? 0)
    })
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

async function committed(
  storage: OpenedStorage,
  user: UserId,
  statements: readonly Statement[],
  wake: readonly WorkQueue[] = [],
): Promise<CommitResult & { readonly ok: true }> {
  const result = await storage.commit({ id: null, scope: { user }, statements, wake })
  if (!result.ok) throw failure(result.code, { ...result.detail })
  return result
}
