/** The parts that all clients of one mesh share: the storage, the compiled statements and the limits. No state of users. */
import {
  checkOptions,
  type Duration,
  decodeInTime,
  failure,
  invalidInput,
  type Json,
  type Platform,
  type TaintLabel,
  type UserId,
} from '../core/index.ts'
import type { AuditTrail, BoundedEvaluator, Callers, Incidents } from '../security/index.ts'
import type { Blobs, CommitResult, Fragment, Row, Statement, Storage, ValueRef } from '../storage/index.ts'
import type { ContextReader } from './entries/audience.ts'
import { createLifecycles, type Lifecycle, type Lifecycles } from './entries/lifecycle.ts'
import { createReadStatements, type ReadStatements } from './statements/read-statements.ts'
import { createWriteStatements, type WriteStatements } from './statements/write-statements.ts'

/** Limits of the context. */
export interface ContextLimits {
  /** The maximal number of subscriptions of one agent; 256 by default, which is the upper limit. */
  readonly subscriptions?: number
  /** The maximal number of topics of one entry; 32 by default. */
  readonly topics?: number
  /**
   * The maximal number of old versions of an entry; 100 by default. Versions of the last ten minutes are stored in
   * addition.
   */
  readonly history?: number
  /** The maximal number of visible entries that one page of a filtered list examines; 10,000 by default. */
  readonly scan?: number
  /**
   * The maximal number of current entries per user; unlimited by default. A write above it rejects with CapacityError
   * `context.quota`.
   */
  readonly entries?: number
  /**
   * The maximal size of the values per user as JSON, in bytes; unlimited by default. A write above it rejects with
   * CapacityError `context.quota`.
   */
  readonly bytes?: number
}

/** The author of the patterns of the current call, and the thread that matches patterns of callers. */
export type CallerPatterns = Pick<Callers, 'sourceFor'> & Pick<BoundedEvaluator, 'matching'>

/** The services that protect and record the entries. */
interface MeshSecurity {
  readonly incidents?: Incidents
  /** The taint labels that a step gets when it reads a private entry. */
  readonly privateLabels?: readonly TaintLabel[]
  /** The taint labels of the current caller's writes. */
  readonly callers?: Pick<Callers, 'taint'>
  readonly audit?: AuditTrail
  readonly patterns?: CallerPatterns
}

export interface MeshParts {
  readonly storage: Storage
  /** Absent: large values are stored in their entries. */
  readonly blobs?: Blobs
  readonly platform: Platform
  readonly security?: MeshSecurity
}

export interface MeshOptions {
  readonly limits?: ContextLimits
  readonly lifecycles?: Readonly<Record<string, Lifecycle>>
  /** The pause between two cleanups; 5 min by default. */
  readonly cleanup?: Duration
}

/** The result of a change that was committed. */
export type Committed = CommitResult & { readonly ok: true }

type Limits = Required<Omit<ContextLimits, 'entries' | 'bytes'>> & Pick<ContextLimits, 'entries' | 'bytes'>

type CorePorts = Pick<MeshParts, 'storage' | 'blobs'> & Omit<Platform, 'ids'> & MeshSecurity

export interface MeshCore extends CorePorts {
  /** The limits, which may change while the troupe runs. */
  limits: Limits
  readonly lifecycles: Lifecycles
  readonly reads: ReadStatements
  readonly writes: WriteStatements
  /** Returns a unique id of a write. */
  nextChange(): string
  /** Returns true for one push in sixteen, spread evenly over any order of keys. */
  prunesNext(): boolean
  read(user: UserId, ...statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
  /** @throws the rejection with its code */
  commit(user: UserId, ...fragments: readonly Fragment[]): Promise<Committed>
  /** The same, but returns a rejection. */
  tryCommit(user: UserId, ...fragments: readonly Fragment[]): Promise<CommitResult>
  /** Lets later commits of the user wait until `until` has settled. */
  holdCommits(user: UserId, until: Promise<unknown>): void
  /** Returns the value as JSON text. */
  loadJson(user: UserId, value: ValueRef): Promise<string>
  /** Returns the decoded value. A page may have very many values, so they are decoded between other work. */
  loadValue(user: UserId, value: ValueRef): Json | Promise<Json>
  /** Returns the grantees of the topics to which the reader is subscribed now. */
  subscriptions(reader: ContextReader): Promise<readonly string[]>
}

export function createMeshCore(parts: MeshParts, { limits, lifecycles }: MeshOptions): MeshCore {
  const { storage, blobs, security } = parts
  const { clock, random, ids, events } = parts.platform
  const reads = createReadStatements(storage.dialect)
  const prefix = ids.next()
  let count = 0
  const starts = new Map<UserId, Promise<unknown>>()
  const tryCommit: MeshCore['tryCommit'] = async (user, ...fragments) => {
    const start = starts.get(user)
    if (start) await start
    return storage.commit({
      // With an engine in this process, a commit has no unknown outcome while the process lives.
      id: storage.dialect.name === 'sqlite' ? null : ids.next(),
      fresh: true,
      scope: { user },
      statements:
        fragments.length === 1
          ? (fragments[0] as Fragment).statements
          : fragments.flatMap(({ statements }) => statements),
      feed: fragments.flatMap(({ feed = [] }) => feed),
      wake: fragments.flatMap(({ wake = [] }) => wake),
    })
  }
  const loadJson: MeshCore['loadJson'] = async (user, value) => {
    if ('json' in value) return value.json
    if (!blobs) throw failure('invariant.broken', { rule: 'a large value is read from its own table' })
    return blobs.load(user, value)
  }
  return {
    storage,
    ...(blobs ? { blobs } : {}),
    ...{ clock, random, events },
    ...security,
    limits: contextLimits(limits),
    lifecycles: createLifecycles(lifecycles),
    reads,
    writes: createWriteStatements(storage.dialect),
    nextChange: () => `${prefix}.${(count++).toString(36)}`,
    // Fibonacci hashing: the upper bits of the product look random and are the same for the same calls.
    prunesNext: () => Math.imul(count, 0x9e3779b1) >>> 28 === 0,
    read: (user, ...statements) => storage.read({ user }, statements),
    tryCommit,
    holdCommits(user, until) {
      const all = Promise.allSettled([starts.get(user), until])
      starts.set(user, all)
      void all.then(() => starts.get(user) === all && starts.delete(user))
    },
    async commit(user, ...fragments) {
      const result = await tryCommit(user, ...fragments)
      if (!result.ok) throw failure(result.code, result.detail)
      return result
    },
    loadJson,
    loadValue: (user, value) =>
      'json' in value
        ? decodeInTime(value.json, clock)
        : loadJson(user, value).then((json) => decodeInTime(json, clock)),
    async subscriptions({ user, agent }) {
      const [rows = []] = await storage.read({ user }, [reads.subscriptions({ user, agent })])
      return rows.map(({ grantee }) => String(grantee))
    },
  }
}

/** @throws ValidationError for an unknown or invalid limit */
export function contextLimits(limits: ContextLimits = {}): Limits {
  checkOptions('context.limits', limits, ['subscriptions', 'topics', 'history', 'scan', 'entries', 'bytes'])
  return {
    subscriptions: bound('subscriptions', limits.subscriptions, 256, 256),
    topics: bound('topics', limits.topics, 32),
    history: bound('history', limits.history, 100),
    scan: bound('scan', limits.scan, 10_000),
    ...(limits.entries === undefined ? {} : { entries: bound('entries', limits.entries, 0) }),
    ...(limits.bytes === undefined ? {} : { bytes: bound('bytes', limits.bytes, 0) }),
  }
}

function bound(name: string, value: number | undefined, standard: number, max = Number.MAX_SAFE_INTEGER): number {
  if (value === undefined) return standard
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw invalidInput(`The limit ${name}`, `it must be a whole number from 0 to ${max}`)
  return value
}
