/**
 * The presence of started workers: a row for each, renewed by a heartbeat, so that other processes see it too. The same
 * process sees a leave immediately, others at their next check, and within twice the heartbeat if the process died.
 */
import { sql } from 'kysely'
import {
  type Clock,
  callReported,
  decodeJson,
  type Events,
  encodeJson,
  type Ids,
  PeriodicTask,
} from '../../core/index.ts'
import type { Dialect, Row, Statement, Storage } from '../../storage/index.ts'
import { compilerOf, later, storageNow } from '../statements/compile.ts'

/** A started worker, as presence announces it. */
export interface AgentDetail {
  /** The id of this start of the worker. */
  readonly id: string
  /** The name of the worker. */
  readonly name: string
  /** The role of its options; `worker` by default. */
  readonly role: string
  /** The topics of its options. */
  readonly topics: readonly string[]
  /** The id of the process in which it runs. */
  readonly processId: string
}

export interface PresenceWatcher {
  /** The name of the watching worker, which is not reported to itself. */
  readonly self: string
  /** Called when the first worker of a name is present. */
  readonly connected: (detail: AgentDetail) => void
  /** Called when the last worker of a name is not present any more. */
  readonly disconnected: (detail: AgentDetail) => void
}

export interface PresenceParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly events: Events
  readonly processId: string
  readonly heartbeatMs: number
}

interface Scope {
  /** The workers that were started here, by the id of their start. */
  readonly own: Map<string, AgentDetail>
  readonly watchers: Map<PresenceWatcher, Map<string, AgentDetail>>
  refreshing: Promise<void> | undefined
  needsRecheck: boolean
}

/** @example const presence = new Presence({ storage, clock, ids, events, processId: 'host-1/4711', heartbeatMs: 10_000 }) */
export class Presence {
  readonly #parts: PresenceParts
  readonly #statements: ReturnType<typeof presenceStatements>
  readonly #scopes = new Map<string, Scope>()
  readonly #task: PeriodicTask

  constructor(parts: PresenceParts) {
    this.#parts = parts
    const intervalMs = parts.heartbeatMs / 2
    this.#task = new PeriodicTask({ name: 'presence', clock: parts.clock, intervalMs, run: async () => this.#tick() })
    // Heartbeats and checks occur at half the interval, and a row is valid for 1.25 of it: 1.25 + 0.5 is less than 2.
    this.#statements = presenceStatements(parts.storage.dialect, parts.heartbeatMs * 1.25)
  }

  async join(
    user: string,
    announced: Pick<AgentDetail, 'name' | 'role' | 'topics'>,
  ): Promise<{ readonly detail: AgentDetail; leave(): Promise<void> }> {
    const { name, role, topics } = announced
    const detail = Object.freeze({
      id: this.#parts.ids.next(),
      name,
      role,
      topics: Object.freeze([...topics]),
      processId: this.#parts.processId,
    })
    const scope = this.#scope(user)
    scope.own.set(detail.id, detail)
    try {
      await this.#sendHeartbeats(user, scope, [this.#statements.replace({ user, name })])
      await this.#refresh(user, scope)
    } catch (error) {
      // Later heartbeats would announce a worker that has not started.
      scope.own.delete(detail.id)
      this.#tidy(user, scope)
      throw error
    }
    return { detail, leave: () => this.#leave(user, scope, detail) }
  }

  /**
   * Watches presence. The workers that are present already are reported first.
   * @returns a function that ends the watch
   */
  async watch(user: string, watcher: PresenceWatcher): Promise<() => void> {
    const scope = this.#scope(user)
    scope.watchers.set(watcher, new Map())
    const unwatch = () => {
      scope.watchers.delete(watcher)
      this.#tidy(user, scope)
    }
    try {
      await this.#refresh(user, scope)
    } catch (error) {
      unwatch()
      throw error
    }
    return unwatch
  }

  /**
   * Returns the names of the present workers.
   * @param role only workers with this role
   */
  async namesOf(user: string, role?: string): Promise<readonly string[]> {
    const present = await this.#read(user)
    return [...new Set(present.filter((one) => role === undefined || one.role === role).map(({ name }) => name))]
  }

  /** Returns the worker of this name that is present or was present in the last 24 h. */
  async last(user: string, name: string): Promise<AgentDetail | undefined> {
    const [[row] = []] = await this.#parts.storage.read({ user }, [this.#statements.last({ user, name })])
    return row && toDetail(row)
  }

  /** Returns the workers that are present in any process. */
  list(user: string): Promise<readonly AgentDetail[]> {
    return this.#read(user)
  }

  close(): void {
    void this.#task.close()
    this.#scopes.clear()
  }

  async #leave(user: string, scope: Scope, detail: AgentDetail): Promise<void> {
    if (!scope.own.delete(detail.id)) return
    await this.#commit(user, [this.#statements.leave({ user, id: detail.id })])
    await this.#refresh(user, scope)
    this.#tidy(user, scope)
  }
  #scope(user: string): Scope {
    const scope = this.#scopes.get(user) ?? {
      own: new Map(),
      watchers: new Map(),
      refreshing: undefined,
      needsRecheck: false,
    }
    this.#scopes.set(user, scope)
    this.#task.start()
    return scope
  }
  #tidy(user: string, scope: Scope): void {
    if (scope.own.size === 0 && scope.watchers.size === 0 && this.#scopes.get(user) === scope) this.#scopes.delete(user)
  }

  #tick(): void {
    if (this.#scopes.size === 0) this.#task.stop()
    for (const [user, scope] of this.#scopes)
      void this.#sendHeartbeats(user, scope)
        .then(() => this.#refresh(user, scope))
        // The next heartbeat retries; until then other processes may consider the worker absent.
        .catch(() => {})
  }

  async #sendHeartbeats(user: string, scope: Scope, also: readonly Statement[] = []): Promise<void> {
    const beats = [...scope.own.values()].map((detail) =>
      this.#statements.beat({ user, ...detail, topics: encodeJson(detail.topics) }),
    )
    if (beats.length > 0) await this.#commit(user, [...also, ...beats, this.#statements.cleanup({ user })])
  }
  async #commit(user: string, statements: readonly Statement[]): Promise<void> {
    await this.#parts.storage.commit({ id: null, scope: { user }, statements })
  }

  /** Checks presence. A call during a check repeats it, and waits for the repetition. */
  #refresh(user: string, scope: Scope): Promise<void> {
    if (scope.refreshing) {
      scope.needsRecheck = true
      return scope.refreshing
    }
    const run = async () => {
      try {
        do {
          scope.needsRecheck = false
          this.#compare(user, scope, await this.#read(user))
        } while (scope.needsRecheck)
      } finally {
        // At once: a call between the last check and a later moment would not be checked.
        scope.refreshing = undefined
      }
    }
    scope.refreshing = run()
    return scope.refreshing
  }

  #compare(user: string, scope: Scope, present: readonly AgentDetail[]): void {
    const byName = new Map<string, AgentDetail>()
    for (const detail of present) if (!byName.has(detail.name)) byName.set(detail.name, detail)
    for (const [watcher, known] of scope.watchers) {
      for (const [name, detail] of known)
        if (!byName.has(name)) {
          known.delete(name)
          this.#notify(user, watcher.disconnected, detail)
        }
      for (const [name, detail] of byName)
        if (name !== watcher.self && !known.has(name)) {
          known.set(name, detail)
          this.#notify(user, watcher.connected, detail)
        }
    }
  }
  #notify(user: string, listener: (detail: AgentDetail) => void, detail: AgentDetail): void {
    const about = { callback: 'presence listener', name: detail.name, userId: user } as const
    callReported(this.#parts, about, () => listener(detail))
  }

  async #read(user: string): Promise<readonly AgentDetail[]> {
    const [rows = []] = await this.#parts.storage.read({ user }, [this.#statements.present({ user })])
    return rows.map(toDetail)
  }
}

const toDetail = (row: Row): AgentDetail =>
  Object.freeze({
    id: String(row.session),
    name: String(row.agent),
    role: String(row.role),
    topics: Object.freeze(decodeJson(String(row.topics)) as readonly string[]),
    processId: String(row.process_id),
  })

/** Returns true if a pattern matches a worker: `*` for all, `topic`, `topic:role` or `*:role`. */
export function matchesPresence(pattern: string, { role, topics }: Pick<AgentDetail, 'role' | 'topics'>): boolean {
  if (pattern === '*' || pattern === `*:${role}`) return true
  return topics.some((topic) => pattern === topic || pattern === `${topic}:${role}`)
}

type Worker = { readonly user: string; readonly name: string }

/** The rows of present workers. */
type PresenceValues = Worker & {
  readonly id: string
  readonly role: string
  readonly topics: string
  readonly processId: string
}

/** How long the detail of a worker that has left is stored, in ms, because its messages may still wait. */
const rememberedMs = 24 * 3_600_000

/** @param aliveMs how long one beat lasts */
function presenceStatements(dialect: Dialect, aliveMs: number) {
  const compile = compilerOf(dialect)
  return {
    beat: compile<PresenceValues>(
      (p) => sql`insert into presence (user_id, session, agent, role, topics, process_id, joined_at, alive_until)
        values (${p.user}, ${p.id}, ${p.name}, ${p.role}, ${p.topics}, ${p.processId}, ${storageNow}, ${later(aliveMs)})
        on conflict (user_id, session) do update set alive_until = excluded.alive_until`,
    ),
    leave: compile<{ user: string; id: string }>(
      (p) =>
        sql`update presence set alive_until = ${storageNow} where user_id = ${p.user} and session = ${p.id} and alive_until > ${storageNow}`,
    ),
    /** Removes the announcements of earlier starts of the worker. */
    replace: compile<Worker>(
      (p) => sql`delete from presence where user_id = ${p.user} and agent = ${p.name} and alive_until <= ${storageNow}`,
    ),
    cleanup: compile<{ user: string }>(
      (p) => sql`delete from presence where user_id = ${p.user} and alive_until <= ${later(-rememberedMs)}`,
    ),
    /** Returns the worker that has this name, or had it last. */
    last: compile<Worker>(
      (p) => sql`select * from presence where user_id = ${p.user} and agent = ${p.name}
        order by case when alive_until > ${storageNow} then 0 else 1 end, alive_until desc limit 1`,
    ),
    present: compile<{ user: string }>(
      (p) =>
        sql`select * from presence where user_id = ${p.user} and alive_until > ${storageNow} order by joined_at, session`,
    ),
  }
}
