/** API keys, and the links and sessions of the studio. */
import { timingSafeEqual } from 'node:crypto'
import {
  type Clock,
  checkOptions,
  checkText,
  createPage,
  type Duration,
  decodeCursor,
  type Events,
  encodeCursor,
  failure,
  hashText,
  type Ids,
  invalidInput,
  milliseconds,
  type Page,
  type Random,
  show,
  type TaintLabel,
  taintField,
} from '../../core/index.ts'
import type { Bind, Row, Statement, Storage } from '../../storage/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { commitWork } from '../commit-work.ts'
import type { OperationPattern } from '../operations.ts'
import type { Roles } from '../roles.ts'
import { isTokenValid } from '../token-grant.ts'
import { type KeyStatements, keyStatements } from './api-key-statements.ts'
import { KeyIssuer, type KeyScope } from './key-issuer.ts'

/** Options of a new API key. */
export interface KeyOptions extends KeyScope {
  /** The purpose of the key, for people: 1 to 200 characters. */
  readonly name: string
  /** The time after which the key expires; it does not expire by default. */
  readonly expiresIn?: Duration
}

/** An API key without its secret. */
export interface ApiKey extends Required<Pick<KeyScope, 'users' | 'role'>> {
  /** The id of the key. */
  readonly id: string
  /** The purpose of the key. */
  readonly name: string
  /** The allowed operations; absent if the role decides. */
  readonly operations?: readonly string[]
  /** The agent as which it acts; absent if it may act as any agent. */
  readonly agent?: string
  /** Taint labels of all that it writes and starts; absent if there are none. */
  readonly taint?: readonly TaintLabel[]
  /** The time of its creation, as ISO text. */
  readonly createdAt: string
  /** The time at which it expires, as ISO text; absent if it does not expire. */
  readonly expiresAt?: string
  /** Whether the key can be used. */
  readonly state: 'valid' | 'expired' | 'revoked'
  /** True if the key is older than 30 days and should be rotated. */
  readonly rotationDue: boolean
}
/** A new API key. */
export interface CreatedKey {
  /** The id of the key. */
  readonly id: string
  /** The key, `tk_…`. It is returned only here. */
  readonly key: string
}

/** A session of the studio. */
export interface OpenedSession extends CreatedKey {
  /** The lifetime of the session, in ms. */
  readonly maxAgeMs: number
}

/** The rights of an authenticated caller. */
export interface Grant {
  /** The id of the key, link, session or token. */
  readonly id: string
  /** What the caller presented. */
  readonly kind: 'key' | 'link' | 'session'
  /** The name of the key. */
  readonly name: string
  /** The users whose data the caller may use. */
  readonly users: 'all' | readonly string[]
  /** The role of the caller. */
  readonly role: string
  /** The allowed operations; undefined if the role decides. */
  readonly operations: readonly OperationPattern[] | undefined
  /** The agent as which the caller acts; undefined if it may act as any agent. */
  readonly agent: string | undefined
  /** Taint labels of all that the caller writes and starts. */
  readonly taint: readonly TaintLabel[]
  /** The id of the API key or session with which a link or session ends; absent if there is none. */
  readonly openedBy?: string
}

const now = { $: 'now' } as const
const day = 86_400_000
const agedDays = 30
/** A link from a terminal is opened at once, or not at all. */
const linkMs = 5 * 60_000
const sessionMs = 12 * 3_600_000
const form = /^t([kls])_([0-9a-z]{26})_([\w-]{43})$/

/**
 * The API keys with which callers of the server authenticate. A key is returned once; the storage has the SHA-256 of
 * its secret of 256 random bits. Each request looks the key up, so that a revocation applies in every process from the
 * next request on.
 */
export class ApiKeys {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #events: Events
  readonly #audit: Pick<AuditTrail, 'actionStatements' | 'read'>
  readonly #statements: KeyStatements
  readonly #issuer: KeyIssuer

  constructor(parts: {
    readonly storage: Storage
    readonly ids: Ids
    readonly random: Random
    readonly clock: Clock
    readonly events: Events
    readonly roles: Roles
    readonly audit: Pick<AuditTrail, 'actionStatements' | 'read'>
  }) {
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#events = parts.events
    this.#audit = parts.audit
    this.#statements = keyStatements(parts.storage.dialect)
    this.#issuer = new KeyIssuer(parts, this.#statements)
  }

  /**
   * Creates a key and returns it; it cannot be read later.
   * @throws ValidationError for an unknown role, operation or option
   * @example
   * const { key } = await troupe.apiKeys.create({ name: 'billing', users: ['ada'], operations: ['runs.*'], expiresIn:
   * '90d' })
   */
  async create(options: KeyOptions): Promise<CreatedKey> {
    checkOptions('keys.create', options, ['name', 'users', 'role', 'operations', 'agent', 'taint', 'expiresIn'])
    const { name, expiresIn } = options
    if (typeof name !== 'string' || name === '' || name.length > 200)
      throw invalidInput('The name of a key', 'it must be a text of 1 to 200 characters')
    const ms = expiresIn === undefined ? undefined : milliseconds(expiresIn, 'expiresIn', '1ms')
    const made = await this.#insert('key', name, options, ms)
    this.#emit('key.created', made.id)
    return made
  }

  /** Returns a page of the keys in the order of their creation, expired and revoked ones included, without secrets. */
  async list(
    options: {
      /** 1 to 1,000 per page; 100 by default. */
      readonly limit?: number
      /** The `cursor` of the previous page; the first page by default. */
      readonly cursor?: string
    } = {},
  ): Promise<Page<ApiKey>> {
    checkOptions('keys.list', options, ['limit', 'cursor'])
    const { limit = 100, cursor } = options
    const after = cursor === undefined ? '' : decodeCursor(cursor)
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
      throw invalidInput('The limit', 'it must be a whole number from 1 to 1,000')
    this.#audit.read('', { actor: 'host', operation: 'key.list' })
    const [rows = []] = await this.#read(this.#statements.list({ after, limit: limit + 1, now }))
    const page = rows.slice(0, limit)
    const last = String(page.at(-1)?.id ?? '')
    const [granted = []] = await this.#read(this.#statements.usersOfAll({ after, last }))
    const users = Map.groupBy(granted, ({ key_id }) => String(key_id))
    const items = page.map((row) =>
      toKey(row, users.get(String(row.id))?.map(({ user_id }) => String(user_id)) ?? [], this.#clock.now()),
    )
    const next = rows.length > limit ? encodeCursor(last) : undefined
    return createPage(items, next, (following) => this.list({ limit, cursor: following }))
  }

  /**
   * Creates a key with the same scope and, if the old one expires, the same lifetime. The old key remains valid for
   * `overlap`.
   * @throws NotFoundError `key.unknown` if the key is not valid now
   */
  async rotate(
    id: string,
    options: {
      /** How long the old key remains valid; 1 h by default, `0ms` ends it at once. */
      readonly overlap?: Duration
    } = {},
  ): Promise<CreatedKey> {
    checkId('apiKeys.rotate', id)
    checkOptions('keys.rotate', options, ['overlap'])
    const until = { $: 'now', plusMs: milliseconds(options.overlap ?? '1h', 'overlap') } as const
    const made = this.#issuer.create('key')
    const unknown = { expect: { rows: 1 }, otherwise: 'key.unknown', detail: { key: id } } as const
    await commitWork(this.#storage, [
      this.#statements.succeed({ old: id, id: made.id, hash: made.hash, now }),
      this.#statements.inherit({ old: id, id: made.id }),
      // Last, because the successor gets the lifetime that the old key has until then.
      this.#statements.endSoon({ id, successor: made.id, until, now }, unknown),
      ...this.#acted('key.rotate', id),
    ])
    this.#emit('key.rotated', id)
    return { id: made.id, key: made.key }
  }

  /**
   * Revokes a key: no process accepts it from the next request on.
   * @throws NotFoundError `key.unknown`
   */
  async revoke(id: string): Promise<void> {
    checkId('apiKeys.revoke', id)
    const unknown = { expect: { rows: 1 }, otherwise: 'key.unknown', detail: { key: id } } as const
    await commitWork(this.#storage, [this.#statements.revoke({ id, now }, unknown), ...this.#acted('key.revoke', id)])
    this.#emit('key.revoked', id)
  }

  /** Returns whether any key is valid now. */
  async any(): Promise<boolean> {
    const [rows = []] = await this.#read(this.#statements.any({ now }))
    return rows.length > 0
  }

  /**
   * Returns whether the key, a key to which it was rotated, the session or the token may use the data of the user now.
   */
  async isGranted(id: string, user: string): Promise<boolean> {
    const isValid = isTokenValid(id, this.#clock.now())
    if (isValid !== undefined) return isValid
    for (let key: string | undefined = id; key !== undefined; ) {
      const [rows = []] = await this.#read(this.#statements.successor({ id: key, user, now }))
      if (Number(rows[0]?.valid) === 1) return true
      key = typeof rows[0]?.successor === 'string' ? rows[0].successor : undefined
    }
    return false
  }

  /** Returns the rights of a presented key, undefined if it is not valid now. */
  async verify(presented: string): Promise<Grant | undefined> {
    const [, letter, id, secret] = form.exec(checkText('apiKeys.verify', presented)) ?? []
    if (id === undefined || secret === undefined) return undefined
    const [due, today] = [-agedDays * day, -day].map((plusMs) => ({ $: 'now', plusMs }) as const) as [Bind, Bind]
    const [rows = [], granted = []] = await this.#read(
      this.#statements.valid({ id, due, today, now }),
      this.#statements.usersOf({ id }),
    )
    const row = rows[0]
    const same = timingSafeEqual(Buffer.from(hashText(secret)), Buffer.from(String(row?.hash ?? hashText(''))))
    if (!row || !same || String(row.kind)[0] !== letter) return undefined
    const users = Number(row.every_user) === 1 ? 'all' : granted.map(({ user_id }) => String(user_id))
    if (users.length === 0) return undefined
    if (Number(row.due) === 1) await this.#remind(id, today)
    return {
      id,
      kind: row.kind as Grant['kind'],
      name: String(row.name),
      users,
      role: String(row.role),
      operations: row.operations === null ? undefined : (JSON.parse(String(row.operations)) as OperationPattern[]),
      agent: row.agent === null ? undefined : String(row.agent),
      taint: taintOf(row),
      ...(row.opened_by === null ? {} : { openedBy: String(row.opened_by) }),
    }
  }

  /**
   * Creates the secret of a link that opens one session within 5 min.
   * @param openedBy the id of the API key or session that makes it: the link and the session that it opens end with that
   */
  async link(scope: KeyScope, openedBy?: string): Promise<string> {
    checkOptions('apiKeys.link', scope, ['users', 'role', 'operations', 'agent', 'taint'])
    const by = openedBy === undefined ? undefined : checkText('apiKeys.link', openedBy)
    return (await this.#insert('link', 'link', scope, linkMs, by)).key
  }
  /** Uses a link. Returns the secret of a session of 12 h, undefined if the link is not valid now. */
  async openSession(link: string): Promise<OpenedSession | undefined> {
    const grant = await this.verify(link)
    if (grant?.kind !== 'link') return undefined
    const made = this.#issuer.create('session')
    const terms = { name: 'session', scope: grant, validForMs: sessionMs, openedBy: grant.openedBy }
    const statements = this.#issuer.insertion(made, terms)
    const consumed = this.#statements.consume({ id: grant.id, now }, { expect: { rows: 1 }, otherwise: 'key.unknown' })
    const cleanups = [this.#statements.cleanupUsers({ now }), this.#statements.cleanup({ now })]
    const result = await this.#storage.commit({
      id: null,
      scope: { work: true },
      statements: [consumed, ...statements, ...cleanups, ...this.#acted('session.create', made.id, grant.id)],
    })
    return result.ok ? { id: made.id, key: made.key, maxAgeMs: sessionMs } : undefined
  }
  /**
   * Opens a session of 12 h for a person who was identified by a provider or an API key, and returns its secret.
   * @param openedBy the id of the API key: the session ends when it does
   */
  async signIn(scope: KeyScope, openedBy?: string): Promise<OpenedSession> {
    checkOptions('apiKeys.signIn', scope, ['users', 'role', 'operations', 'agent', 'taint'])
    const made = this.#issuer.create('session')
    const by = openedBy === undefined ? {} : { openedBy: checkText('apiKeys.signIn', openedBy) }
    const statements = this.#issuer.insertion(made, { name: 'session', scope, validForMs: sessionMs, ...by })
    const cleanups = [this.#statements.cleanupUsers({ now }), this.#statements.cleanup({ now })]
    await commitWork(this.#storage, [
      ...statements,
      ...cleanups,
      ...this.#acted('session.create', made.id, openedBy ?? made.id),
    ])
    return { id: made.id, key: made.key, maxAgeMs: sessionMs }
  }
  /** Ends a session. */
  async endSession(grant: Pick<Grant, 'id'>): Promise<void> {
    await commitWork(this.#storage, [
      this.#statements.drop({ id: grant.id }),
      ...this.#acted('session.end', grant.id, grant.id),
    ])
  }

  async #insert(
    kind: Grant['kind'],
    name: string,
    scope: KeyScope,
    ms: number | undefined,
    openedBy?: string,
  ): Promise<CreatedKey> {
    const made = this.#issuer.create(kind)
    const statements = this.#issuer.insertion(made, { name, scope, validForMs: ms, openedBy })
    await commitWork(this.#storage, [...statements, ...this.#acted(`${kind}.create`, made.id)])
    return { id: made.id, key: made.key }
  }
  /** @param key of the link or session that did it itself */
  #acted(operation: string, resource: string, key?: string) {
    return this.#audit.actionStatements({ actor: 'host', operation, resource, ...(key === undefined ? {} : { key }) })
  }

  async #remind(id: string, today: Bind): Promise<void> {
    const result = await this.#storage.commit({
      id: null,
      scope: { work: true },
      statements: [this.#statements.remind({ id, today, now })],
    })
    if (result.ok && result.affected[0] === 1) this.#emit('key.rotation-due', id)
  }
  #emit(type: 'key.created' | 'key.rotated' | 'key.revoked' | 'key.rotation-due', key: string): void {
    this.#events.emit({ type, at: this.#clock.now(), key })
  }
  async #read(...statements: readonly Statement[]): Promise<readonly (readonly Row[])[]> {
    return this.#storage.read({ work: true }, statements)
  }
}

const taintOf = (row: Row) => JSON.parse(String(row.taint)) as readonly TaintLabel[]

function toKey(row: Row, users: readonly string[], at: number): ApiKey {
  const iso = (value: Row[string]) => new Date(Number(value)).toISOString()
  return {
    id: String(row.id),
    name: String(row.name),
    users: Number(row.every_user) === 1 ? 'all' : users,
    role: String(row.role),
    ...(row.operations === null ? {} : { operations: JSON.parse(String(row.operations)) as string[] }),
    ...(row.agent === null ? {} : { agent: String(row.agent) }),
    ...taintField(taintOf(row)),
    createdAt: iso(row.created_at ?? 0),
    ...(row.expires_at === null ? {} : { expiresAt: iso(row.expires_at ?? 0) }),
    state: row.revoked_at !== null ? 'revoked' : Number(row.expired) === 1 ? 'expired' : 'valid',
    rotationDue: at - Number(row.created_at) > agedDays * day,
  }
}

/** Rejects a text that is longer than any id, so that it is neither looked up nor recorded in the audit log. */
function checkId(call: string, id: string): void {
  if (checkText(call, id).length > longestId) throw failure('key.unknown', { key: show(id) })
}
const longestId = 256
