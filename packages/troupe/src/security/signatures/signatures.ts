/**
 * Signatures of what agents send: made with a key of the sender, checked by whoever receives. What is signed is canonical
 * JSON (RFC 8785) of the subject, the user, the agent, the key and the moment, so that nothing of it can be another's.
 * Revoked keys are stored by their id alone, and asked for at each check: a revocation holds everywhere at once. Who only
 * sends checks nothing: it asks at its start, and then from time to time, which of its keys sign no more.
 */
import type { Compilable, Kysely } from 'kysely'
import {
  type Clock,
  canonicalJson,
  checkOptions,
  type Duration,
  failure,
  type Json,
  milliseconds,
  PeriodicTask,
  show,
} from '../../core/index.ts'
import { postgresTables, type Statement, type Storage, workTable } from '../../storage/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { covers, SigningKeyRing } from './key-ring.ts'
import type { SigningKey } from './signing-key.ts'

export interface SignatureConfig {
  /**
   * `require` refuses what is not signed, `verify` only what is signed badly, `off` neither signs nor checks. `require` by
   * default.
   */
  readonly policy?: 'off' | 'verify' | 'require'
  readonly keys: readonly SigningKey[]
}

/** What travels with the subject. */
export interface Signed {
  readonly key: string
  /** ms since 1970, the signer's clock. */
  readonly at: number
  /** base64url */
  readonly signature: string
}

/** How far the moment of a signature may be from the moment at which it was accepted: ±5 minutes. */
export const signatureWindowMs = 5 * 60_000

/** How long after a revocation by another process a key may still sign, which nobody accepts. */
const pollMs = 5_000
/** Ids of one query. */
const fewIds = 500

export type SignatureProblem =
  | 'signature.missing'
  | 'signature.invalid'
  | 'signature.expired'
  | 'signature.revoked'
  | 'signature.replayed'

export interface Claimed {
  readonly user: string
  readonly agent: string
  readonly subject: Json
  /** ms since 1970, the storage's. */
  readonly acceptedAt: number
}

const tables = ['create table security_revoked_keys (id text not null primary key, at integer not null)']
export const signaturesSchema = {
  sqlite: tables,
  postgres: [...postgresTables(tables), workTable('security_revoked_keys')],
}

interface Tables {
  security_revoked_keys: { id: string; at: number }
}

export class Signatures {
  readonly policy: 'verify' | 'require'
  readonly #keyRing: SigningKeyRing
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'actionStatements' | 'record'> | undefined
  readonly #tables: Kysely<Tables>
  /** What this process knows to be revoked: it signs no more with it. */
  readonly #revoked = new Set<string>()
  readonly #task: PeriodicTask

  constructor(parts: {
    readonly policy: 'verify' | 'require'
    readonly keyRing: SigningKeyRing
    readonly storage: Storage
    readonly clock: Clock
    readonly audit?: Pick<AuditTrail, 'actionStatements' | 'record'> | undefined
  }) {
    this.policy = parts.policy
    this.#keyRing = parts.keyRing
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#audit = parts.audit
    this.#tables = parts.storage.dialect.builder<Tables>()
    // Where the storage fails nothing is sent either; the next round reads what this one did not.
    const run = () => this.#poll()
    this.#task = new PeriodicTask({ name: 'revoked keys', clock: parts.clock, intervalMs: pollMs, run })
  }

  /** Before anything is signed. */
  async start(): Promise<void> {
    await this.#poll()
    // Nobody else has the file of a process.
    if (this.#storage.dialect.name === 'postgres') this.#task.start()
  }
  stop(): Promise<void> {
    return this.#task.close()
  }
  async #poll(): Promise<void> {
    const own = this.#keyRing.list().flatMap(({ id, sign }) => (sign && !this.#revoked.has(id) ? [id] : []))
    const parts = Array.from({ length: Math.ceil(own.length / fewIds) }, (_, i) =>
      own.slice(i * fewIds, (i + 1) * fewIds),
    )
    if (parts.length === 0) return
    const found = await this.#storage.read(
      { work: true },
      parts.map((ids) => this.revokedAmong(ids)),
    )
    for (const { id } of found.flat()) this.#revoked.add(String(id))
  }

  /** @throws AccessDeniedError `signature.no_key` where unsigned messages are refused and this agent can't sign */
  requireKey(user: string, agent: string): void {
    if (this.policy === 'require' && !this.#signer(user, agent)) throw failure('signature.no_key', { agent })
  }
  /** @returns undefined where there is no key for this agent */
  sign(user: string, agent: string, subject: Json): Signed | undefined {
    const key = this.#signer(user, agent)
    const at = this.#clock.now()
    const signature = key?.sign?.(signedText(user, agent, key.id, at, subject))
    return key && signature !== undefined ? { key: key.id, at, signature } : undefined
  }
  #signer(user: string, agent: string) {
    return this.#keyRing.signer(user, agent, this.#clock.now(), this.#revoked)
  }

  /** @param revoked ids that `revokedAmong` found, read with what is checked */
  check(
    signed: Signed | undefined,
    { user, agent, subject, acceptedAt }: Claimed,
    revoked: ReadonlySet<string>,
  ): SignatureProblem | undefined {
    if (!signed) return this.policy === 'require' ? 'signature.missing' : undefined
    const { key: id, at, signature } = signed
    for (const gone of revoked) this.#revoked.add(gone)
    if (this.#revoked.has(id)) return 'signature.revoked'
    const key = this.#keyRing.get(id)
    if (!key || !covers(key, user, agent)) return 'signature.invalid'
    if (!key.verify(signedText(user, agent, id, at, subject), signature)) return 'signature.invalid'
    // The moment is believed now that it is known to be signed.
    return Math.abs(acceptedAt - at) > signatureWindowMs || at >= key.untilMs ? 'signature.expired' : undefined
  }
  /** A read of those of some keys that are revoked, as `id`. */
  revokedAmong(ids: readonly string[]): Statement {
    const query = this.#tables.selectFrom('security_revoked_keys').select('id').where('id', 'in', ids)
    return { ...compiled(query), returns: true }
  }

  /**
   * A new key signs from now on; those of the same scope check for `overlap` what they have signed until then. Every
   * process is given the new key before one signs with it: by `from`, or by adding it to the configuration first.
   * @param options.overlap 1 h by default; nothing is shorter than the window of 5 minutes
   */
  rotate(key: SigningKey, options: { readonly overlap?: Duration } = {}): void {
    checkOptions('rotate', options, ['overlap'])
    const overlapMs = milliseconds(options.overlap ?? '1h', 'overlap')
    if (overlapMs < signatureWindowMs)
      throw failure('validation.failed', { what: 'overlap', problem: 'it is 5m at least: what is under way is signed' })
    const added = this.#keyRing.add(key)
    const nowMs = this.#clock.now()
    this.#keyRing.retireKey(added, Math.max(nowMs, added.fromMs) + overlapMs, nowMs)
    this.#audit?.record({ actor: 'host', operation: 'signature.rotate', resource: added.id, allowed: true })
  }
  /** Nothing that a key has signed is accepted any more, in any process, from the next check on. For good. */
  async revoke(id: string): Promise<void> {
    if (typeof id !== 'string' || id === '')
      throw failure('validation.failed', { what: 'A key to revoke', problem: 'it is named by its id' })
    const query = this.#tables
      .insertInto('security_revoked_keys')
      .values({ id, at: this.#clock.now() })
      .onConflict((conflict) => conflict.doNothing())
    const auditStatements =
      this.#audit?.actionStatements({ actor: 'host', operation: 'signature.revoke', resource: id }) ?? []
    const statements = [compiled(query), ...auditStatements]
    const result = await this.#storage.commit({ id: null, scope: { work: true }, statements })
    if (!result.ok) throw failure(result.code, { ...result.detail })
    this.#revoked.add(id)
  }
  /** What there is of keys, and nothing of what they are made of. */
  keys(): readonly {
    readonly id: string
    readonly algorithm: 'ed25519' | 'hmac-sha256'
    readonly agent?: string
    readonly user?: string
    readonly signs: boolean
    readonly until?: string
    readonly revoked: boolean
  }[] {
    return this.#keyRing.list().map(({ id, algorithm, agent, user, sign, untilMs }) => ({
      id,
      algorithm,
      ...(agent === undefined ? {} : { agent }),
      ...(user === undefined ? {} : { user }),
      signs: sign !== undefined && !this.#revoked.has(id),
      ...(Number.isFinite(untilMs) ? { until: new Date(untilMs).toISOString() } : {}),
      revoked: this.#revoked.has(id),
    }))
  }
}

const compiled = (query: Compilable): Statement => {
  const { sql, parameters } = query.compile()
  return { sql, binds: parameters as readonly (string | number)[] }
}

const signedText = (user: string, agent: string, key: string, at: number, subject: Json) =>
  canonicalJson({ agent, at, key, subject, user, v: 1 })

/**
 * @returns undefined where the policy is `off`
 * @throws ValidationError
 */
export function createSignatures(
  config: SignatureConfig,
  parts: { readonly storage: Storage; readonly clock: Clock; readonly audit?: AuditTrail | undefined },
): Signatures | undefined {
  checkOptions('messaging.signatures', config, ['policy', 'keys'])
  const { policy = 'require', keys } = config
  if (policy !== 'off' && policy !== 'verify' && policy !== 'require')
    throw failure('validation.failed', {
      what: 'messaging.signatures.policy',
      problem: `it is ${show(policy)}, not one of off, verify, require`,
    })
  const keyRing = new SigningKeyRing(keys)
  return policy === 'off' ? undefined : new Signatures({ policy, keyRing, ...parts })
}
