/**
 * Signatures of messages, their check, and the revocation of keys. A process that only sends checks no signature, so it
 * reads at its start and then periodically which of its keys are revoked.
 */
import { sql } from 'kysely'
import {
  type Clock,
  canonicalJson,
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  type Json,
  milliseconds,
  PeriodicTask,
  show,
} from '../../core/index.ts'
import { postgresTables, type Statement, type Storage, statementOf, workTable } from '../../storage/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { commitWork } from '../commit-work.ts'
import { covers, SigningKeyRing } from './key-ring.ts'
import type { SigningKey } from './signing-key.ts'

/** The option `messaging.signatures` of `createTroupe`. */
export interface SignatureConfig {
  /**
   * `require` rejects unsigned messages, `verify` only wrongly signed ones, `off` neither signs nor checks. `require`
   * by default.
   */
  readonly policy?: 'off' | 'verify' | 'require'
  /** The keys that sign and check. */
  readonly keys: readonly SigningKey[]
}

/** A signature as it travels with its subject. */
export interface Signed {
  /** The id of the key. */
  readonly key: string
  /** The time of the signature by the signer's clock, in ms since 1970. */
  readonly at: number
  /** The signature, in base64url. */
  readonly signature: string
}

/** The maximal difference between the time of a signature and the time of its acceptance: ±5 minutes. */
export const signatureWindowMs = 5 * 60_000

/** How long a key may still sign after a revocation by another process; such signatures are rejected. */
const pollMs = 5_000
/** Ids of one query. */
const fewIds = 500

/** Why a signature is rejected: the code of the error. */
export type SignatureProblem =
  | 'signature.missing'
  | 'signature.invalid'
  | 'signature.expired'
  | 'signature.revoked'
  | 'signature.replayed'

/** What a signature must cover. */
export interface Claimed {
  /** The user whose data it is. */
  readonly user: string
  /** The agent that claims to have signed. */
  readonly agent: string
  /** The signed value. */
  readonly subject: Json
  /** The time at which the subject was accepted, in ms since 1970, by the storage's clock. */
  readonly acceptedAt: number
}

const tables = ['create table security_revoked_keys (id text not null primary key, at integer not null)']
export const signaturesSchema = {
  sqlite: tables,
  postgres: [...postgresTables(tables), workTable('security_revoked_keys')],
}

/**
 * Signs what agents send and checks what they receive. The signature covers the canonical JSON (RFC 8785) of the
 * subject, the user, the agent, the key and the time, so that it fits nothing else. The ids of revoked keys are stored
 * and read at each check, so that a revocation applies in every process at once.
 */
export class Signatures {
  /** The policy in force. */
  readonly policy: 'verify' | 'require'
  readonly #keyRing: SigningKeyRing
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'actionStatements' | 'record'> | undefined
  /** The keys that this process knows to be revoked, with which it does not sign. */
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
    // If the storage fails, no message is sent either; the next round reads the revoked keys.
    const run = () => this.#poll()
    this.#task = new PeriodicTask({ name: 'revoked keys', clock: parts.clock, intervalMs: pollMs, run })
  }

  /** Loads the revoked keys, before anything is signed. On PostgreSQL they are loaded again every 5 s. */
  async start(): Promise<void> {
    await this.#poll()
    // A SQLite file has one process.
    if (this.#storage.dialect.name === 'postgres') this.#task.start()
  }
  /** Stops loading revoked keys. */
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

  /**
   * Checks that an agent can sign. @throws AccessDeniedError `signature.no_key` if unsigned messages are rejected and
   * there is no key for the agent
   */
  requireKey(user: string, agent: string): void {
    if (this.policy === 'require' && !this.#signer(user, agent)) throw failure('signature.no_key', { agent })
  }
  /** Signs a value. Returns undefined if there is no key for the agent. */
  sign(user: string, agent: string, subject: Json): Signed | undefined {
    const key = this.#signer(user, agent)
    const at = this.#clock.now()
    const signature = key?.sign?.(signedText(user, agent, key.id, at, subject))
    return key && signature !== undefined ? { key: key.id, at, signature } : undefined
  }
  #signer(user: string, agent: string) {
    return this.#keyRing.signer(user, agent, this.#clock.now(), this.#revoked)
  }

  /**
   * Checks a signature. Returns the problem, undefined if there is none.
   * @param revoked the ids that `revokedAmong` found, read together with the subject
   */
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
    // The time is trusted only now, since the signature covers it.
    return Math.abs(acceptedAt - at) > signatureWindowMs || at >= key.untilMs ? 'signature.expired' : undefined
  }
  /** Creates the statement that reads which of these keys are revoked, as rows with `id`. */
  revokedAmong(ids: readonly string[]): Statement {
    const query = sql`select id from security_revoked_keys where id in (${sql.join(ids)})`
    return { ...statementOf(this.#storage.dialect, query), returns: true }
  }

  /**
   * Signs with a new key from now on; keys of the same scope check for `overlap` what they signed until then. Give the
   * new key to every process before one signs with it: by `from`, or by adding it to the configuration first.
   * @throws ValidationError for an overlap below 5 min or an invalid key
   */
  rotate(
    key: SigningKey,
    options: {
      /** How long earlier keys of the same scope still check; 1 h by default, 5 min at least. */
      readonly overlap?: Duration
    } = {},
  ): void {
    checkOptions('rotate', options, ['overlap'])
    const overlapMs = milliseconds(options.overlap ?? '1h', 'overlap')
    if (overlapMs < signatureWindowMs)
      throw invalidInput('overlap', 'it must be at least 5m, because messages in delivery are signed with the old key')
    const added = this.#keyRing.add(key)
    const nowMs = this.#clock.now()
    this.#keyRing.retireKey(added, Math.max(nowMs, added.fromMs) + overlapMs, nowMs)
    this.#audit?.record({ actor: 'host', operation: 'signature.rotate', resource: added.id, allowed: true })
  }
  /** Revokes a key for good: no process accepts its signatures from the next check on, also earlier ones. */
  async revoke(id: string): Promise<void> {
    if (typeof id !== 'string' || id === '') throw invalidInput('A key to revoke', 'it must be the id of a key')
    const query = sql`insert into security_revoked_keys (id, at) values (${id}, ${this.#clock.now()})
      on conflict do nothing`
    const auditStatements =
      this.#audit?.actionStatements({ actor: 'host', operation: 'signature.revoke', resource: id }) ?? []
    const statements = [statementOf(this.#storage.dialect, query), ...auditStatements]
    await commitWork(this.#storage, statements)
    this.#revoked.add(id)
  }
  /** Returns the keys without their secrets. */
  keys(): readonly {
    /** The id of the key. */
    readonly id: string
    /** The algorithm of the key. */
    readonly algorithm: 'ed25519' | 'hmac-sha256'
    /** The agent whose messages it signs; absent for every agent. */
    readonly agent?: string
    /** The user whose messages it signs; absent for every user. */
    readonly user?: string
    /** True if this process can sign with it; false for a public key and for a revoked key. */
    readonly signs: boolean
    /** The time from which its signatures are rejected, as ISO text; absent if there is none. */
    readonly until?: string
    /** True if this process knows that it is revoked. */
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

const signedText = (user: string, agent: string, key: string, at: number, subject: Json) =>
  canonicalJson({ agent, at, key, subject, user, v: 1 })

/**
 * Creates the signatures of a troupe. Returns undefined if the policy is `off`.
 * @throws ValidationError for an invalid policy or key
 */
export function createSignatures(
  config: SignatureConfig,
  parts: { readonly storage: Storage; readonly clock: Clock; readonly audit?: AuditTrail | undefined },
): Signatures | undefined {
  checkOptions('messaging.signatures', config, ['policy', 'keys'])
  const { policy = 'require', keys } = config
  if (policy !== 'off' && policy !== 'verify' && policy !== 'require')
    throw invalidInput('messaging.signatures.policy', `it is ${show(policy)}, not one of off, verify, require`)
  const keyRing = new SigningKeyRing(keys)
  return policy === 'off' ? undefined : new Signatures({ policy, keyRing, ...parts })
}
