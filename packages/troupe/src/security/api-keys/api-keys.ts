/**
 * API keys: what callers from outside sign in with. A key is shown once; stored is the SHA-256 of its secret, which is of
 * 256 random bits, so that no slower hash would make guessing it any harder. It is looked up at each request: a revocation
 * holds in every process from the next one on.
 */
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
  milliseconds,
  type Page,
  type Random,
  show,
  type TaintLabel,
  taintField,
} from '../../core/index.ts'
import type { Bind, Row, Statement, Storage } from '../../storage/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { OperationPattern } from '../operations.ts'
import type { Roles } from '../roles.ts'
import { isTokenValid } from '../token-grant.ts'
import { type KeyStatements, keyStatements } from './api-key-statements.ts'
import { KeyIssuer, type KeyScope } from './key-issuer.ts'

export interface KeyOptions extends KeyScope {
  /** For people: what it is for. */
  readonly name: string
  /** It ends by itself; never where absent. */
  readonly expiresIn?: Duration
}

export interface ApiKey extends Required<Pick<KeyScope, 'users' | 'role'>> {
  readonly id: string
  readonly name: string
  readonly operations?: readonly string[]
  readonly agent?: string
  readonly taint?: readonly TaintLabel[]
  /** ISO text. */
  readonly createdAt: string
  readonly expiresAt?: string
  readonly state: 'valid' | 'expired' | 'revoked'
  /** Older than 30 days: rotate it. */
  readonly rotationDue: boolean
}
export interface CreatedKey {
  readonly id: string
  /** `tk_…`, shown this once. */
  readonly key: string
}

/** What somebody who signed in may do. */
export interface Grant {
  readonly id: string
  readonly kind: 'key' | 'link' | 'session'
  readonly name: string
  readonly users: 'all' | readonly string[]
  readonly role: string
  readonly operations: readonly OperationPattern[] | undefined
  readonly agent: string | undefined
  readonly taint: readonly TaintLabel[]
}

const now = { $: 'now' } as const
const day = 86_400_000
const agedDays = 30
/** A link from a terminal is opened at once, or not at all. */
const linkMs = 5 * 60_000
const sessionMs = 12 * 3_600_000
const form = /^t([kls])_([0-9a-z]{26})_([\w-]{43})$/

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
   * @returns the key itself, which nobody can be told again
   * @throws ValidationError for an unknown role, operation or option
   * @example
   * const { key } = await troupe.apiKeys.create({ name: 'billing', users: ['ada'], operations: ['runs.*'], expiresIn: '90d' })
   */
  async create(options: KeyOptions): Promise<CreatedKey> {
    checkOptions('keys.create', options, ['name', 'users', 'role', 'operations', 'agent', 'taint', 'expiresIn'])
    const { name, expiresIn } = options
    if (typeof name !== 'string' || name === '' || name.length > 200)
      throw failure('validation.failed', { what: 'The name of a key', problem: 'it is a text of 1 to 200 characters' })
    const ms = expiresIn === undefined ? undefined : milliseconds(expiresIn, 'expiresIn', '1ms')
    const made = await this.#insert('key', name, options, ms)
    this.#emit('key.created', made.id)
    return made
  }

  /** Those that were made, in the order of their making, expired and revoked ones too; never their secrets. */
  async list(options: { readonly limit?: number; readonly cursor?: string } = {}): Promise<Page<ApiKey>> {
    checkOptions('keys.list', options, ['limit', 'cursor'])
    const { limit = 100, cursor } = options
    const after = cursor === undefined ? '' : decodeCursor(cursor)
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
      throw failure('validation.failed', { what: 'The limit', problem: 'it is 1 to 1,000' })
    this.#audit.read('', { actor: 'host', operation: 'key.list' })
    const [rows = []] = await this.#read(this.#statements.list({ after, limit: limit + 1, now }, { returns: true }))
    const page = rows.slice(0, limit)
    const last = String(page.at(-1)?.id ?? '')
    const [granted = []] = await this.#read(this.#statements.usersOfAll({ after, last }, { returns: true }))
    const users = Map.groupBy(granted, ({ key_id }) => String(key_id))
    const items = page.map((row) =>
      toKey(row, users.get(String(row.id))?.map(({ user_id }) => String(user_id)) ?? [], this.#clock.now()),
    )
    const next = rows.length > limit ? encodeCursor(last) : undefined
    return createPage(items, next, (following) => this.list({ limit, cursor: following }))
  }

  /**
   * A new key of the same scope and, where it ends, of the same life; the old one works on for `overlap`.
   * @param options.overlap 1 h by default; `0ms` ends the old one at once
   * @throws NotFoundError `key.unknown` for one that is not valid now
   */
  async rotate(id: string, options: { readonly overlap?: Duration } = {}): Promise<CreatedKey> {
    checkId('apiKeys.rotate', id)
    checkOptions('keys.rotate', options, ['overlap'])
    const until = { $: 'now', plusMs: milliseconds(options.overlap ?? '1h', 'overlap') } as const
    const made = this.#issuer.create('key')
    const unknown = { expect: { rows: 1 }, otherwise: 'key.unknown', detail: { key: id } } as const
    await this.#commit([
      this.#statements.succeed({ old: id, id: made.id, hash: made.hash, now }),
      this.#statements.inherit({ old: id, id: made.id }),
      // Last, for the successor gets the life that the old one had.
      this.#statements.endSoon({ id, successor: made.id, until, now }, unknown),
      ...this.#acted('key.rotate', id),
    ])
    this.#emit('key.rotated', id)
    return { id: made.id, key: made.key }
  }

  /**
   * It opens nothing any more, in any process, from the next request on.
   * @throws NotFoundError `key.unknown`
   */
  async revoke(id: string): Promise<void> {
    checkId('apiKeys.revoke', id)
    const unknown = { expect: { rows: 1 }, otherwise: 'key.unknown', detail: { key: id } } as const
    await this.#commit([this.#statements.revoke({ id, now }, unknown), ...this.#acted('key.revoke', id)])
    this.#emit('key.revoked', id)
  }

  /** Whether any key opens something now. */
  async any(): Promise<boolean> {
    const [rows = []] = await this.#read(this.#statements.any({ now }, { returns: true }))
    return rows.length > 0
  }

  /** Whether the key, the one that it was rotated to, the session or the token opens what is the user's now. */
  async isGranted(id: string, user: string): Promise<boolean> {
    const isValid = isTokenValid(id, this.#clock.now())
    if (isValid !== undefined) return isValid
    for (let key: string | undefined = id; key !== undefined; ) {
      const [rows = []] = await this.#read(this.#statements.successor({ id: key, user, now }, { returns: true }))
      if (Number(rows[0]?.valid) === 1) return true
      key = typeof rows[0]?.successor === 'string' ? rows[0].successor : undefined
    }
    return false
  }

  /** @returns undefined for whatever does not open anything now; why is not said */
  async verify(presented: string): Promise<Grant | undefined> {
    const [, letter, id, secret] = form.exec(checkText('apiKeys.verify', presented)) ?? []
    if (id === undefined || secret === undefined) return undefined
    const [due, today] = [-agedDays * day, -day].map((plusMs) => ({ $: 'now', plusMs }) as const) as [Bind, Bind]
    const [rows = [], granted = []] = await this.#read(
      this.#statements.valid({ id, due, today, now }, { returns: true }),
      this.#statements.usersOf({ id }, { returns: true }),
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
    }
  }

  /** The secret of a link that opens one session within five minutes. */
  async link(scope: KeyScope): Promise<string> {
    checkOptions('apiKeys.link', scope, ['users', 'role', 'operations', 'agent', 'taint'])
    return (await this.#insert('link', 'link', scope, linkMs)).key
  }
  /** Uses a link up. @returns the secret of a session of 12 h; undefined for what is no link that is good now */
  async openSession(link: string): Promise<{ readonly key: string; readonly maxAgeMs: number } | undefined> {
    const grant = await this.verify(link)
    if (grant?.kind !== 'link') return undefined
    const made = this.#issuer.create('session')
    const statements = this.#issuer.insertion(made, { name: 'session', scope: grant, validForMs: sessionMs })
    const consumed = this.#statements.consume({ id: grant.id, now }, { expect: { rows: 1 }, otherwise: 'key.unknown' })
    const cleanups = [this.#statements.cleanupUsers({ now }), this.#statements.cleanup({ now })]
    const result = await this.#storage.commit({
      id: null,
      scope: { work: true },
      statements: [consumed, ...statements, ...cleanups, ...this.#acted('session.create', made.id, grant.id)],
    })
    return result.ok ? { key: made.key, maxAgeMs: sessionMs } : undefined
  }
  /** Opens a session of 12 h for a person whom a provider has identified. @returns its secret */
  async signIn(scope: KeyScope): Promise<CreatedKey & { readonly maxAgeMs: number }> {
    checkOptions('apiKeys.signIn', scope, ['users', 'role', 'operations', 'agent', 'taint'])
    const made = this.#issuer.create('session')
    const statements = this.#issuer.insertion(made, { name: 'session', scope, validForMs: sessionMs })
    const cleanups = [this.#statements.cleanupUsers({ now }), this.#statements.cleanup({ now })]
    await this.#commit([...statements, ...cleanups, ...this.#acted('session.create', made.id, made.id)])
    return { id: made.id, key: made.key, maxAgeMs: sessionMs }
  }
  async endSession(grant: Pick<Grant, 'id'>): Promise<void> {
    await this.#commit([this.#statements.drop({ id: grant.id }), ...this.#acted('session.end', grant.id, grant.id)])
  }

  async #insert(kind: Grant['kind'], name: string, scope: KeyScope, ms: number | undefined): Promise<CreatedKey> {
    const made = this.#issuer.create(kind)
    const statements = this.#issuer.insertion(made, { name, scope, validForMs: ms })
    await this.#commit([...statements, ...this.#acted(`${kind}.create`, made.id)])
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
  async #commit(statements: readonly Statement[]): Promise<void> {
    const result = await this.#storage.commit({ id: null, scope: { work: true }, statements })
    if (!result.ok) throw failure(result.code, { ...result.detail })
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

/** A text that no id is as long as is not looked for, and does not come into the audit log. */
function checkId(call: string, id: string): void {
  if (checkText(call, id).length > longestId) throw failure('key.unknown', { key: show(id) })
}
const longestId = 256
