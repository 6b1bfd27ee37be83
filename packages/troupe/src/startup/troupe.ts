/** An open troupe: its users, events, health, secrets and shutdown. */
import {
  checkFunction,
  checkName,
  checkOptions,
  checkPath,
  checkSignal,
  checkText,
  type EventPattern,
  eventNames,
  failure,
  invalidInput,
  nearest,
  type Observer,
  type Page,
  type TroupeEvent,
} from '../core/index.ts'
import { type SharedRateLimit, SharedRateLimiter } from '../journal/index.ts'
import type { HealthMonitor, HealthReport, Log, MetricsCollector, Performance } from '../observability/index.ts'
import type { ApprovalListOptions, DoctorReport, LiveConfig, TroupeParts, UserApproval } from '../operations/index.ts'
import {
  backupTo,
  type ChangedSetting,
  type DoctorOptions,
  doctorOf,
  listApprovals,
  type ReconfigureOptions,
  reconfigure,
  type Versions,
  versionsOf,
} from '../operations/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import {
  type AllRunsOptions,
  listAllRuns,
  type OpenEvaluationTroupe,
  readUsageGroups,
  type UsageGroup,
  type UsageGrouping,
  type UsageGroupOptions,
  type UserRunSummary,
} from '../runs/index.ts'
import {
  type ApiKeys,
  type AuditLog,
  acting,
  auditedEncryption,
  type Egress,
  type Encryption,
  type ErasureResult,
  type Secrets,
  type Signatures,
} from '../security/index.ts'
import type { BackupManifest, Restoration, StorageSizes, StorageState } from '../storage/index.ts'
import { closeParts } from './close-parts.ts'
import { type DrainOptions, type DrainResult, drainParts } from './drain-parts.ts'
import { redactEvent } from './services/redact-event.ts'
import { User } from './user.ts'

/** The parts of a troupe, for the modules that serve it. */
export const partsOf: unique symbol = Symbol('parts')

/** The part of the audit log that the application may use. */
export type Audit = Pick<
  AuditLog,
  | 'list'
  | 'incidents'
  | 'record'
  | 'export'
  | 'verify'
  | 'tree'
  | 'inclusion'
  | 'consistency'
  | 'checkpoint'
  | 'retireRecords'
  | 'flush'
>

/** An open troupe: its users, events, health, secrets and shutdown. `createTroupe` opens it. */
export class Troupe implements AsyncDisposable {
  readonly #parts: TroupeParts
  readonly #requireUserId: boolean
  readonly #openEvaluationTroupe: OpenEvaluationTroupe
  #closing: Promise<void> | undefined
  #draining: Promise<DrainResult> | undefined

  constructor(
    parts: TroupeParts,
    options: { readonly requireUserId: boolean; readonly openEvaluationTroupe: OpenEvaluationTroupe },
  ) {
    this.#parts = parts
    this.#requireUserId = options.requireUserId
    this.#openEvaluationTroupe = options.openEvaluationTroupe
  }

  /** Counts and durations of the operations of this troupe. */
  get metrics(): MetricsCollector {
    return this.#parts.observability.metrics
  }

  /** The log. `troupe.log.level = 'debug'` applies from the next line on. */
  get log(): Log {
    return this.#parts.observability.log
  }

  /**
   * Measures how long operations take: `troupe.performance.report()`, and blocks of the application.
   * @example using timer = troupe.performance.time('import', { source: 'shop' })
   */
  get performance(): Performance {
    return this.#parts.observability.observation.performance
  }

  /**
   * Changes settings of this process while it runs, from their next use on. Either all changes are applied or none.
   * docs/settings.md marks the settings that can change. Each change is emitted as `config.changed` and recorded.
   * @param changes the changed settings alone, in the form of createTroupe
   * @returns the settings whose value changed
   * @throws ConflictError `config.restart` for a setting that needs a restart; ValidationError for one that is wrong
   * @example await troupe.reconfigure({ log: 'debug', models: { limits: { openai: { perMinute: 30 } } } })
   */
  async reconfigure(changes: LiveConfig, options: ReconfigureOptions = {}): Promise<readonly ChangedSetting[]> {
    if (this.#closing) throw failure('troupe.closed', { what: 'A change of the configuration' })
    return reconfigure(this.#parts, changes, options)
  }

  /**
   * Creates a rate limiter: a number of calls in a sliding window, counted together by all processes on this storage.
   * @throws ValidationError that names the wrong option
   * @example
   * const limiter = troupe.rateLimiter({ name: 'search', limit: 60, window: '1m' })
   * const { allowed, retryAfterMs } = await limiter.take({ user: 'ada', agent: 'Researcher' })
   */
  rateLimiter(options: SharedRateLimit): SharedRateLimiter {
    return new SharedRateLimiter({ storage: this.#parts.stores.storage, clock: this.#parts.platform.clock }, options)
  }

  /** Registers checks of the application: `troupe.healthMonitor.register(name, check)`. */
  get healthMonitor(): HealthMonitor {
    return this.#parts.observability.observation.health
  }

  /**
   * Runs the health checks and reports each. Rejects only for a wrong option and when its signal aborts.
   * @param request.fresh runs each check again, also if its result of a few seconds ago is cached
   * @param request.signal ends the wait with CancelledError; checks in progress continue
   */
  async health(request: { readonly fresh?: boolean; readonly signal?: AbortSignal } = {}): Promise<HealthReport> {
    checkOptions('health', request, ['fresh', 'signal'])
    const { signal, ...options } = request
    const { health } = this.#parts.observability.observation
    // Cached results are from the time when the troupe was open.
    const asked = this.#closing ? { ...options, fresh: true } : options
    return this.#unlessAborted('The health', signal, () => health.report(asked))
  }

  /** Rejects the callers that wait. Checks in progress continue. */
  #unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    checkSignal(what, signal)
    if (!signal) return run()
    return unlessAborted({ clock: this.#parts.platform.clock, what, signal }, run)
  }

  /**
   * Runs the checklists for production: configuration, stored data, running work, and with `project` the files of the
   * project. A check that throws or hangs has a result too. See docs/doctor.md.
   * @throws ValidationError for an unknown option, or if the project is not a folder; CancelledError
   * @example
   * const { status, checks } = await troupe.doctor({ production: true })
   * for (const { id, evidence, remedy } of checks.filter((one) => one.status === 'fail')) console.error(id, evidence, remedy)
   */
  doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
    return doctorOf(this.#parts, this, options)
  }

  /** Answers a liveness probe. Reads no storage, so that a process is not killed because its storage is unavailable. */
  live(): boolean {
    return this.#closing === undefined
  }

  /** Answers a readiness probe: false during shutdown and while a critical check fails. */
  async ready(): Promise<boolean> {
    return this.state === 'open' && (await this.health()).status !== 'unhealthy'
  }

  /**
   * Returns everything that belongs to one user.
   * @throws ValidationError for an invalid id; with `requireUserId` also for `default`
   */
  user(id: string): User {
    checkName('user', id)
    if (this.#requireUserId && id === 'default') {
      const problem = 'requireUserId is on, and this scope is shared by all who name none'
      throw failure('name.invalid', { what: 'The user', value: id, problem, limit: 256 })
    }
    return new User(this.#parts, id, this.#openEvaluationTroupe)
  }

  /**
   * Calls an observer for each event that matches. An observer cannot delay or fail the operation that it observes.
   * @param type the name of an event (docs/events.md), a prefix (`run.*`), or `*`; it decides the type of the event
   * @returns a function that ends the observation
   * @throws ValidationError for an unknown name, with the nearest name
   * @example troupe.on('tool.called', ({ tool, agent, durationMs }) => console.log(tool, agent, durationMs))
   */
  on<Pattern extends EventPattern>(type: Pattern, observer: Observer<Pattern>): () => void {
    const known = Object.keys(eventNames)
    checkText('troupe.on', type)
    const begins = type.endsWith('.*') && known.some((name) => name.startsWith(type.slice(0, -1)))
    if (type !== '*' && !begins && !known.includes(type))
      throw failure('option.unknown', {
        where: 'troupe.on',
        option: type,
        nearest: nearest(type, known) ?? 'run.*',
      })
    checkFunction('The observer of troupe.on', observer)
    const { redact } = this.#parts.protection.redactor
    return this.#parts.platform.events.on(type, (event) => observer(redactEvent(event, redact) as TroupeEvent<Pattern>))
  }

  /**
   * The keys that sign messages, which can be rotated and revoked while the troupe runs.
   * @throws ValidationError if `messaging.signatures` is off or not configured
   * @example await troupe.signatures.revoke('2026-10')
   */
  get signatures(): Signatures {
    const { signatures } = this.#parts.communication.mailboxes
    if (signatures) return signatures
    throw invalidInput('troupe.signatures', 'messaging.signatures is not configured')
  }

  /** The HTTP client of the tools, for code of the application that should follow the same egress rules. */
  get egress(): Pick<Egress, 'fetch'> {
    return this.#parts.protection.egressClient.egress
  }

  /** The API keys with which callers sign in over HTTP. */
  get apiKeys(): ApiKeys {
    return this.#parts.security.apiKeys
  }

  get [partsOf](): TroupeParts {
    return this.#parts
  }

  /**
   * Returns the usage of the runs of all users by user, team or model, the most expensive first. Runs that retention has
   * deleted are not included.
   * @param options `from`, `to`: ISO text, the last 30 days by default; `limit`: the number of groups, 100 by default
   * @throws ValidationError
   * @example for (const { name, tokens, cost } of await troupe.usageBy('user')) console.log(name, tokens, cost)
   */
  async usageBy(by: UsageGrouping, options: UsageGroupOptions = {}): Promise<readonly UsageGroup[]> {
    const { stores, platform } = this.#parts
    return readUsageGroups(stores.storage, undefined, by, options, platform.clock.now())
  }

  /**
   * Lists the runs of all users, for operators: the open ones by user and id, or the ended or failed ones, the newest end
   * first. `orchestra.list` lists the runs of one user.
   * @param options `status`: `open` by default, `waiting`, `ended` or `failed`; `limit`: 1 to 500, 50 by default
   * @returns a page; it can have fewer runs than `limit` although a next page exists
   * @throws ValidationError, `cursor.invalid` for a cursor of another status; CancelledError
   * @example for await (const { user, id, error } of await troupe.listRuns({ status: 'failed' })) console.log(user, id, error?.code)
   */
  async listRuns(options: AllRunsOptions = {}): Promise<Page<UserRunSummary>> {
    return listAllRuns(this.#parts.runs.orchestra.parts, options)
  }

  /** Lists what waits for a person, of all users, for operators: as `user.approvals.list`, each source by user. */
  async listApprovals(options: ApprovalListOptions = {}): Promise<Page<UserApproval>> {
    return listApprovals(this.#parts, undefined, options) as Promise<Page<UserApproval>>
  }

  /** The audit log: search, export and proofs of actions and rejected actions. See docs/audit.md. */
  get audit(): Audit {
    return this.#parts.security.audit
  }

  /** Encryption at rest and the rotation of its keys. */
  get encryption(): Encryption {
    return auditedEncryption(this.#parts.protection.encryption, this.#parts.security.audit)
  }

  /**
   * Erases a user: stops the user's work, destroys the user's key, and deletes the user's rows in every module. If a crash
   * interrupts it, the erasure continues at the next opening. Runs of the user then answer `user.forgotten`. Later work under
   * the same id belongs to a new user without data.
   * @param options.signal ends the wait alone: an erasure that has begun continues, since no part of a user may remain
   * @throws the error of the storage or the key service that rejects a change first; the erasure retries the change until it
   *   succeeds, and another call waits for the end
   * @returns the number of deleted rows, and the backups that still hold data of the user
   * @example const { rows, backups } = await troupe.forget('ada')
   */
  async forget(userId: string, options: { readonly signal?: AbortSignal } = {}): Promise<ErasureResult> {
    checkName('user', userId)
    checkOptions('forget', options, ['signal'])
    return this.#unlessAborted('The forgetting', options.signal, () => this.#parts.maintenance.erasure.forget(userId))
  }

  /** The secrets that the configuration names, for tools: `get(name)`. */
  get secrets(): Pick<Secrets, 'get'> {
    return this.#parts.protection.secrets
  }

  /**
   * Replaces the secrets that this process knows in a text, so that it can be shown.
   * @throws ValidationError if the argument is not a string; an error is not one
   * @example console.error(troupe.redact(String(error)))
   */
  redact(text: string): string {
    checkText('redact', text)
    return this.#parts.protection.redactor.redact(text)
  }

  /**
   * Reports the build, the formats that it writes and reads, and the unfinished runs that began with other code or hold
   * records of a newer build. Such runs wait for a build that fits.
   * @param options.limit the maximal number of unfinished runs that are examined; 1,000 by default
   * @example for (const { run, agents } of (await troupe.versions()).behind) console.log(run, agents)
   */
  versions(options: { readonly limit?: number } = {}): Promise<Versions> {
    return versionsOf(this.#parts, options)
  }

  /**
   * Writes a consistent copy of the storage while work continues: a folder with the data and a manifest. Keys of the key
   * ring are not part of it. See docs/backup.md.
   * @param folder must not exist; its parents are created
   * @param options.signal cancels the backup and removes the folder
   * @throws ConflictError `storage.not_empty`; ValidationError `validation.failed` for `memory:`; CancelledError; what the
   * storage says
   * @example const { bytes, rows } = await troupe.backup('./backups/monday')
   */
  async backup(folder: string, options: { readonly signal?: AbortSignal } = {}): Promise<BackupManifest> {
    checkPath('The folder of a backup', folder)
    checkOptions('backup', options, ['signal'])
    checkSignal('The backup', options.signal)
    if (this.#closing) throw failure('troupe.closed', { what: 'A backup' })
    const { settings, platform, security } = this.#parts
    return acting(security.audit, { operation: 'backup.make', resource: folder }, () =>
      backupTo(settings.storage, folder, { clock: platform.clock, ...options }),
    )
  }

  /** The backup from which the database was restored; undefined if it was not restored. */
  get restored(): Restoration | undefined {
    return this.#parts.maintenance.restored.mark
  }

  /**
   * Resumes the work of a restored database: runs, schedules, timers and messages, for all processes and openings.
   * `at-most-once` effects that were in progress become `uncertain`, as after a crash. Does nothing if no work waits.
   * @example if (troupe.state === 'restored') await troupe.resumeRestored()
   */
  resumeRestored(): Promise<void> {
    return this.#parts.maintenance.restored.resume()
  }

  /** The state of the storage, with the problem if it cannot write. */
  storageState(): StorageState {
    return this.#parts.stores.storage.state()
  }
  /** Reads the sizes of the storage: bytes of the database, and rows by table. */
  sizes(): Promise<StorageSizes> {
    return this.#parts.stores.storage.sizes()
  }

  /**
   * `restored` while a restored database waits for `resumeRestored`; the troupe is not ready then. `draining` from the call
   * of `drain` on; `closed` once `close` or `drain` has ended.
   */
  get state(): 'open' | 'restored' | 'draining' | 'closed' {
    return this.#parts.work.gate.state
  }

  /**
   * Shuts down within the timeout. New work is rejected at once, and `state` and readiness say so. Turns and handlers in
   * progress have half of the time to finish. The rest is released once its effects are recorded; then the troupe closes.
   * No accepted work is lost. A second call joins the first.
   * @example const { released, isComplete } = await troupe.drain({ timeout: '25s' })
   */
  async drain(options: DrainOptions = {}): Promise<DrainResult> {
    checkOptions('drain', options, ['timeout', 'closing'])
    this.#draining ??= drainParts(this.#parts, { ...this.#parts.settings.shutdown, ...options }, () => this.close())
    return this.#draining
  }

  /** Stops new work, waits for handlers and turns in progress, and closes the storage. Waiting runs resume at the next opening. */
  close(): Promise<void> {
    this.#closing ??= closeParts(this.#parts)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
