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
import { forgettingStatements, markedStatement } from './forgetting-statements.ts'

export interface Forgotten {
  /** Rows that this call removed, by room. */
  readonly rows: { readonly [room: string]: number }
  /**
   * What backups made before still hold of the user. `sealed`: values that only a key opens which is destroyed here; a
   * backup that holds the key's row too opens with the key ring, until the key of the ring that wrapped it is gone.
   * `plain`: everything; only deleting the backups forgets it there.
   */
  readonly backups: 'sealed' | 'plain'
}

export interface ForgettingParts {
  /** As it is, for the rows themselves. */
  readonly storage: OpenedStorage
  readonly clock: Clock
  readonly events: Events
  /** Of all rooms. */
  readonly tables: readonly UserTable[]
  readonly ring: KeyRing | undefined
  /** What is known of the user's keys is old. */
  readonly outdated: (user: UserId) => void
  /** Ends what works for the user in this process, and lets go of what is kept in memory. @returns what lets it begin again */
  readonly letGo: (user: UserId) => Promise<() => void>
  /** Ending it failed where another process forgets the user. */
  readonly failed: (error: unknown) => void
  /** That it is forgotten, for the audit log. */
  readonly recorded: (user: UserId) => readonly Statement[]
  /** Rows of one change; 500 by default. */
  readonly batch?: number
}

export interface Forgetting {
  /** @throws ValidationError for a name that is not allowed; what the storage throws, after which calling again goes on */
  forget(user: UserId): Promise<Forgotten>
  /** Ends what an earlier process began; from then on minds what other processes forget. */
  start(): Promise<void>
  stop(): Promise<void>
}

export function createForgetting(parts: ForgettingParts): Forgetting {
  const statements = forgettingStatements(parts.storage.dialect, parts.tables, parts.batch ?? 500)
  const going = new Map<UserId, Promise<Forgotten>>()
  let stop = async () => {}
  const forget = (user: UserId): Promise<Forgotten> => {
    const known = going.get(user)
    if (known) return known
    const forgetting = forgetUser(parts, statements, user).finally(() => going.delete(user))
    going.set(user, forgetting)
    return forgetting
  }
  const unfinished = async (): Promise<readonly UserId[]> => {
    const [rows = []] = await parts.storage.read({ work: true }, [statements.unfinished()])
    return rows.map(({ user_id }) => String(user_id))
  }
  return {
    forget: async (user) => forget(checkName('user', user)),
    async start() {
      for (const user of await unfinished()) await forget(user)
      stop = follow(parts, unfinished, (user) => going.has(user))
    },
    stop: () => stop(),
  }
}

/** What works here for a user whom another process forgets ends too, and begins anew when that has ended. */
function follow(
  { storage, letGo, outdated, failed }: ForgettingParts,
  unfinished: () => Promise<readonly UserId[]>,
  isOurs: (user: UserId) => boolean,
): () => Promise<void> {
  const held = new Map<UserId, () => void>()
  let looking: Promise<void> = Promise.resolve()
  const look = async () => {
    const theirs = (await unfinished()).filter((user) => !isOurs(user))
    for (const user of theirs) if (!held.has(user)) held.set(user, await letGo(user))
    for (const [user, begin] of held)
      if (!theirs.includes(user)) {
        held.delete(user)
        outdated(user)
        begin()
      }
  }
  const unhint = storage.onHint((hint) => {
    if ('work' in hint && hint.work === 'cleanup') looking = looking.then(look).catch(failed)
  })
  return () => {
    unhint()
    return looking
  }
}

/** @returns the error for what is missing of a user who was forgotten, or is being; undefined for everybody else */
export function createForgottenCheck(storage: OpenedStorage): (user: UserId) => Promise<TroupeError | undefined> {
  const marked = markedStatement(storage.dialect)
  return async (user) => {
    const [rows] = await storage.read({ work: true }, [marked({ mark: markOf(user) }, { returns: true })])
    return rows?.length ? failure('user.forgotten', { user }) : undefined
  }
}

type Statements = ReturnType<typeof forgettingStatements>

async function forgetUser(parts: ForgettingParts, statements: Statements, user: UserId): Promise<Forgotten> {
  const { storage, ring, events, clock, outdated, letGo } = parts
  const commit = (list: readonly Statement[], wake: readonly WorkQueue[] = []) => committed(storage, user, list, wake)
  const rows = new Map<string, number>()
  const count = (room: string, removed: number) => {
    if (removed > 0) rows.set(room, (rows.get(room) ?? 0) + removed)
  }
  await commit([...statements.begin(user, clock.now()), ...parts.recorded(user)], ['cleanup'])
  outdated(user)
  const begin = await letGo(user)
  try {
    await ring?.forget?.(user)
    for (const table of statements.tables)
      for (let removed = statements.batch; removed === statements.batch; ) {
        const { affected } = await commit(table.some(user))
        removed = affected[statements.before] ?? 0
        count(table.room, removed)
      }
    const { affected } = await commit([...statements.end(user), ...parts.recorded(user)], ['cleanup'])
    statements.tables.forEach(({ room }, i) => {
      count(room, affected[statements.before + i] ?? 0)
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
  return { rows: Object.fromEntries(rows), backups: ring ? 'sealed' : 'plain' }
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
