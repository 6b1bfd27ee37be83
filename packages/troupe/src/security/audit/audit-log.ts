/** The audit log of a troupe, composed of its queue, tree, retention and checkpoints. */
import type { KeyObject } from 'node:crypto'
import {
  checkOptions,
  checkSignal,
  checkText,
  createPage,
  encodeCursor,
  invalidInput,
  nextMacrotask,
  type Page,
  type Platform,
  TroupeError,
  type UserId,
} from '../../core/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import { commitWork } from '../commit-work.ts'
import { markOf } from '../encryption/data-key-statements.ts'
import type { AuditSettings } from './audit-config.ts'
import { type AuditQuery, readAuditQuery } from './audit-query.ts'
import { type AuditRecord, type StoredRecord, toRecord } from './audit-record.ts'
import { type AuditStatements, auditStatements, type ListFilter, toStored } from './audit-statements.ts'
import {
  type AuditAction,
  type AuditCaller,
  type AuditEntry,
  type AuditTrail,
  checkAuditEntry,
  type Decision,
} from './audit-trail.ts'
import { AuditedCalls } from './audited-calls.ts'
import { RecordMaker } from './record-maker.ts'
import { RecordQueue } from './record-queue.ts'
import { Retirement } from './retirement.ts'
import { Sequencer } from './sequencer.ts'
import { type InclusionProof, TreeProofs } from './tree/tree-proofs.ts'
import { type Checkpoint, type Excuse, withRetiredKeys } from './verification/checkpoint.ts'
import { Checkpointer, type CheckpointerParts } from './verification/checkpointer.ts'
import { exportAudit } from './verification/export-audit.ts'
import { type AuditReport, verifyExport } from './verification/verify-export.ts'

export interface AuditLogParts {
  readonly storage: Pick<Storage, 'commit' | 'read' | 'dialect'>
  readonly platform: Platform
  /** Names this process. */
  readonly holder: string
  /** Returns the marks of all users with rows besides those of the audit log. */
  readonly marksWithRows?: () => Promise<ReadonlySet<string>>
  /** Called with the error of work in the background, which is retried. */
  readonly failed: (error: unknown) => void
}

export interface AuditLogOptions {
  readonly settings: AuditSettings
  /** The secret with which keys of entries are hashed. */
  readonly secret: Uint8Array
  readonly checkpoints?: Pick<CheckpointerParts, 'everyMs' | 'sign' | 'deliver'> & {
    readonly signExcuse: (excuse: Excuse) => string
    /** The newest that was delivered, where that can be read. */
    readonly last?: () => Promise<Checkpoint | undefined>
    /** All that were delivered, where they can be read. */
    readonly delivered?: () => Promise<readonly Checkpoint[]>
    /** The id and the public half of the key. */
    readonly keyId: string
    readonly publicKey: KeyObject
    /** The public halves of earlier keys. */
    readonly retired: readonly (string | KeyObject)[]
  }
}

/**
 * The audit log: which actor did what to which resource, when, and whether it was allowed; never a value. The record of
 * a write is in the change of the write. Records get their place in a Merkle tree soon after, the tree is signed at
 * intervals, and `verifyAudit` finds later changes without this process.
 */
export class AuditLog implements AuditTrail {
  readonly #parts: AuditLogParts & AuditLogOptions
  readonly #statements: AuditStatements
  readonly #queue: RecordQueue
  readonly #sequencer: Sequencer
  readonly #retirement: Retirement
  readonly #checkpointer: Checkpointer | undefined
  readonly #calls = new AuditedCalls()
  readonly #records: RecordMaker
  readonly #proofs: TreeProofs
  #rolledBack: AuditLog['rolledBack']
  #comparing: Promise<unknown> = Promise.resolve()

  constructor(parts: AuditLogParts, options: AuditLogOptions) {
    const { storage, platform, holder, failed } = parts
    const { clock } = platform
    const { settings, checkpoints } = options
    this.#parts = { ...parts, ...options }
    this.#statements = auditStatements(storage.dialect)
    this.#queue = new RecordQueue(storage)
    this.#records = new RecordMaker({ ...platform, ...options }, this.#calls, this.#statements)
    this.#proofs = new TreeProofs(storage, this.#statements)
    this.#sequencer = new Sequencer({ storage, clock, holder, failed, statements: this.#statements })
    this.#retirement = new Retirement({
      storage,
      clock,
      failed,
      statements: this.#statements,
      retentionMs: settings.retentionMs,
      announce: (operation, resource) => this.#announce(operation, resource),
    })
    this.#checkpointer = checkpoints && new Checkpointer({ clock, failed, ...checkpoints, tree: () => this.tree() })
  }

  written(user: UserId, auditEntry: AuditEntry): readonly Statement[] {
    if (!this.#parts.settings.writes) return []
    this.#calls.count(auditEntry, 'writes')
    this.#sequencer.expect()
    return this.#records.statements(this.#records.make(user, auditEntry))
  }

  read(user: UserId, auditEntry: AuditEntry): void {
    if (!this.#parts.settings.reads) return
    this.#calls.count(auditEntry, 'reads')
    this.#soon(this.#records.make(user, auditEntry), 'audit.lost')
  }

  /**
   * Records a decision that was made elsewhere, such as that of a server. Does not fail or wait; `audit.lost` or
   * `incident.lost` reports a record that could not be stored.
   */
  record(auditEntry: Decision): void {
    checkAuditEntry(auditEntry)
    const { user = '', allowed, reason } = auditEntry
    this.#calls.count(auditEntry, allowed ? 'writes' : 'rejections')
    this.#soon(this.#records.make(user, auditEntry, allowed, reason), allowed ? 'audit.lost' : 'incident.lost')
  }

  /** Records a refused action soon, and returns its record. */
  rejected(user: UserId, auditEntry: AuditEntry, reason: string): AuditRecord {
    const stored = this.#records.make(user, auditEntry, false, reason)
    this.#calls.count(auditEntry, 'rejections')
    this.#soon(stored, 'incident.lost')
    return toRecord(stored)
  }

  actionStatements(auditEntry: AuditAction, user: UserId = ''): readonly Statement[] {
    const entry = { actor: 'troupe', ...auditEntry }
    this.#calls.count(entry, 'writes')
    this.#sequencer.expect()
    return this.#records.statements(this.#records.make(user, entry))
  }

  /**
   * Calls `run` for a caller from outside: what is recorded meanwhile, and by work that it starts, names this caller.
   */
  by<Out>(caller: AuditCaller, run: () => Out): Out {
    return this.#calls.by(caller, run)
  }

  caller(): AuditCaller | undefined {
    return this.#calls.caller
  }

  /**
   * Records a successful call of a caller, unless it has a record already.
   * @param user empty if the call concerns no user
   * @param isRead true if it is recorded only if reads are
   */
  answered(user: UserId, auditEntry: Omit<AuditEntry, 'actor' | 'key'>, isRead: boolean): void {
    const { reads, writes } = this.#parts.settings
    if (!(isRead ? reads : writes) || !this.#calls.isUnrecorded(isRead)) return
    this.#soon(this.#records.make(user, { ...auditEntry, actor: 'host' }), 'audit.lost')
  }

  /**
   * Records a refused call of a caller, unless the refusal has a record already.
   * @param user absent if the call concerns no user, or several
   */
  rejectedCall({ user = '', ...auditEntry }: AuditEntry & Pick<Decision, 'user'>, reason: string): void {
    if (!this.#calls.isRejected) this.rejected(user, auditEntry, reason)
  }

  /**
   * Returns the statements that record the erasure of a user and drop records of the user that have no place in the
   * tree yet.
   */
  erasureRecord(user: UserId): readonly Statement[] {
    const mark = markOf(user)
    return [
      ...this.#statements.dropPending({ mark }),
      ...this.actionStatements({ operation: 'user.forget', resource: mark }),
    ]
  }

  /**
   * Returns a page of records, newest first.
   * @throws ValidationError `option.unknown`, `validation.failed`, `cursor.invalid`
   * @example for await (const record of await troupe.audit.list({ user: 'ada', allowed: false })) console.log(record)
   */
  async list(query: AuditQuery = {}): Promise<Page<AuditRecord>> {
    const filter = this.#filterOf(query)
    const captured = { ...query }
    const { user, limit } = filter
    this.read(user ?? '', { actor: 'host', operation: 'read.audit' })
    const asked = { ...filter, limit: limit + 1 }
    const [rows = []] = await this.#parts.storage.read(user === undefined ? { work: true } : { user }, [
      user === undefined ? this.#statements.listOfAll(asked) : this.#statements.listOf(user, asked),
    ])
    const items = rows.slice(0, limit).flatMap((row) => {
      const stored = toStored(row)
      return stored ? [toRecord(stored)] : []
    })
    const last = rows.length > limit ? items.at(-1)?.id : undefined
    const cursor = last === undefined ? undefined : encodeCursor(last)
    return createPage(items, cursor, (next) => this.list({ ...captured, cursor: next }))
  }

  /** Returns a page of refused actions, newest first. They are stored for at least 24 h. */
  incidents(query: Omit<AuditQuery, 'allowed'> = {}): Promise<Page<AuditRecord>> {
    checkOptions('incidents', query, ['user', 'actor', 'operation', 'resource', 'from', 'to', 'limit', 'cursor'])
    return this.list({ ...query, allowed: false })
  }

  /**
   * Yields the complete log as lines of JSON, for `verifyAudit` and for archives: the leaves in order with their records,
   * then the records without a place.
   * @example for await (const line of troupe.audit.export()) file.write(`${line}\n`)
   */
  async *export(): AsyncIterable<string> {
    this.read('', { actor: 'host', operation: 'read.audit' })
    await this.flush()
    await this.#sequencer.run()
    yield* exportAudit(this.#parts.storage, this.#statements)
  }

  /**
   * Verifies the stored log of this open troupe: its records, their hashes, and the checkpoints that can be read and name
   * the present key or are signed by a retired one. Without such a checkpoint, a log that was rewritten with all its
   * hashes is not found. `verifyAudit` trusts no process that writes to the log.
   * @throws CancelledError; the error of reading the checkpoints
   * @example const { ok, findings } = await troupe.audit.verify()
   */
  async verify(
    options: {
      /** Ends the call with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<AuditReport> {
    checkOptions('audit.verify', options, ['signal'])
    const { signal } = options
    checkSignal('audit.verify', signal)
    const { checkpoints, marksWithRows, storage, failed } = this.#parts
    this.read('', { actor: 'host', operation: 'read.audit' })
    // Checkpoints and marks are read before the lines, so that the lines are never older than what they are compared with.
    const delivered = (await checkpoints?.delivered?.()) ?? []
    const marks = await marksWithRows?.()
    await this.flush()
    // A damaged tree takes no further leaves; the findings below name the damage.
    await this.#sequencer.run().catch(failed)
    return verifyExport({
      lines: exportAudit(storage, this.#statements),
      signed: checkpoints && withRetiredKeys(checkpoints, delivered),
      marksWithRows: marks,
      signal,
    })
  }

  /** Returns the tree with all records that are stored now. */
  async tree(): Promise<{
    /** The number of leaves. */
    readonly size: number
    /** The root of the tree, in base64url. */
    readonly root: string
  }> {
    await this.#sequencer.run()
    const { size, root } = await this.#proofs.head()
    return { size, root }
  }

  /**
   * Returns the proof that a record is in the log as it is now.
   * @throws NotFoundError if the record has no place in the tree
   */
  async inclusion(id: string): Promise<InclusionProof> {
    checkText('audit.inclusion', id)
    const { size } = await this.tree()
    return this.#proofs.inclusion(id, size)
  }

  /**
   * Returns the proof that the log with `size` leaves is the beginning of the log as it is now.
   * @throws ValidationError for a size above the present one
   */
  async consistency(size: number): Promise<{
    /** The number of leaves of the earlier log. */
    readonly from: number
    /** The number of leaves of the log now. */
    readonly size: number
    /** The hashes of the proof, as in RFC 9162, in base64url. */
    readonly path: readonly string[]
  }> {
    const now = await this.tree()
    if (!Number.isSafeInteger(size) || size < 0 || size > now.size)
      throw invalidInput('size', `it must be a whole number of at most ${now.size}`)
    return { from: size, size: now.size, path: await this.#proofs.consistency(size, now.size) }
  }

  /**
   * Signs the log as it is now and delivers the checkpoint. Returns undefined if nothing was recorded since the last
   * one.
   * @throws ValidationError if `audit.checkpoints` is not configured
   */
  async checkpoint() {
    if (!this.#checkpointer) throw invalidInput('A checkpoint', 'audit.checkpoints is not configured')
    await this.flush()
    return this.#checkpointer.now()
  }

  /** Deletes records that are older than the retention, and returns their number. It is also done each hour. */
  retireRecords(): Promise<number> {
    return this.#retirement.now()
  }

  /** Present if the database was rolled back before it was opened. */
  get rolledBack():
    | {
        /** The number of records in the log. */
        readonly size: number
        /** The number of records that the last checkpoint signed. */
        readonly signedSize: number
      }
    | undefined {
    return this.#rolledBack
  }

  /** Starts the hourly deletion and the checkpoints, and compares the log with the last checkpoint. */
  start(): void {
    this.#sequencer.expect()
    this.#retirement.start()
    this.#checkpointer?.start()
    this.#comparing = this.#compareWithLast().catch(this.#parts.failed)
  }

  /** Emits `audit.rolled-back` if the log was rolled back: a macrotask later, so that listeners of the opened troupe get it. */
  announceRollback(): void {
    const { events, clock } = this.#parts.platform
    this.#comparing = this.#comparing.then(async () => {
      if (!this.#rolledBack) return
      await nextMacrotask(clock)
      events.emit({ type: 'audit.rolled-back', at: clock.now(), ...this.#rolledBack })
    })
  }

  /** A database that was rolled back continues with a log that does not match the last checkpoint. */
  async #compareWithLast(): Promise<void> {
    const last = await this.#parts.checkpoints?.last?.()
    if (!last) return
    const { size } = await this.#proofs.head()
    const fits = size >= last.size && (await this.#proofs.root(last.size)) === last.root
    if (!fits) this.#rolledBack = { size, signedSize: last.size }
  }

  /** Resolves when the records of reads and refusals so far are stored. */
  flush(): Promise<void> {
    return this.#queue.flush()
  }

  /** Stores pending records and stops all work in the background. */
  async close(): Promise<void> {
    await this.#comparing
    await this.flush()
    await this.#retirement.stop()
    await this.#checkpointer?.stop()
    await this.#sequencer.stop()
  }

  #soon(stored: StoredRecord, lost: 'audit.lost' | 'incident.lost'): void {
    const { clock, events } = this.#parts.platform
    this.#sequencer.expect()
    this.#queue.add(stored.user, this.#records.statements(stored), (problem) => {
      const code = problem instanceof TroupeError ? problem.code : typeof problem === 'string' ? problem : 'unknown'
      const userId = stored.user === '' ? {} : { userId: stored.user }
      events.emit({ type: lost, at: clock.now(), ...userId, code })
    })
  }

  async #announce(operation: string, resource: string): Promise<void> {
    const statements = this.actionStatements({ operation, resource })
    await commitWork(this.#parts.storage, statements)
    await this.#sequencer.run()
  }

  #filterOf(query: AuditQuery): ListFilter {
    const filter = readAuditQuery(query)
    const { operation, resource } = filter
    const hashed = this.#parts.settings.hashed && operation?.endsWith('_context') === true
    if (resource === undefined || !hashed || resource.startsWith('#')) return filter
    return { ...filter, resource: this.#records.named(resource) }
  }
}
