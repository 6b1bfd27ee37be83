/** The running system: its users, its events, its end. */
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
  nearest,
  type Observer,
  type TroupeEvent,
} from '../core/index.ts'
import { type SharedRateLimit, SharedRateLimiter } from '../journal/index.ts'
import type { HealthMonitor, HealthReport, Log, MetricsCollector, Performance } from '../observability/index.ts'
import type { DoctorReport, LiveConfig, TroupeParts } from '../operations/index.ts'
import {
  backupTo,
  type ChangedSetting,
  type DoctorOptions,
  doctorOf,
  type ReconfigureOptions,
  Reconfiguring,
  type Versions,
  versionsOf,
} from '../operations/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import type { OpenEvaluationTroupe } from '../runs/index.ts'
import {
  type ApiKeys,
  type AuditLog,
  acting,
  type Egress,
  type Encryption,
  type ErasureResult,
  type RotateOptions,
  type Secrets,
  type Signatures,
} from '../security/index.ts'
import type { BackupManifest, Restoration, StorageSizes, StorageState } from '../storage/index.ts'
import { closeParts } from './close-parts.ts'
import { type DrainOptions, type DrainResult, drainParts } from './drain-parts.ts'
import { User } from './user.ts'

/** What a troupe is made of, for the rooms below that serve it. */
export const partsOf: unique symbol = Symbol('parts')

/** What of the audit log is the host's. */
export type Audit = Pick<
  AuditLog,
  | 'list'
  | 'incidents'
  | 'record'
  | 'export'
  | 'tree'
  | 'inclusion'
  | 'consistency'
  | 'checkpoint'
  | 'retireRecords'
  | 'flush'
>

/** What is rotated: the key that wraps from then on, and whether values are sealed anew. */
const rotated = ({ to, data }: RotateOptions) =>
  [typeof to === 'string' ? to : to?.id, ...(data ? ['data'] : [])].filter(Boolean).join(' ')

export class Troupe implements AsyncDisposable {
  readonly #parts: TroupeParts
  readonly #requireUserId: boolean
  readonly #openEvaluationTroupe: OpenEvaluationTroupe
  readonly #reconfiguring: Reconfiguring
  #closing: Promise<void> | undefined
  #draining: Promise<DrainResult> | undefined

  constructor(
    parts: TroupeParts,
    options: { readonly requireUserId: boolean; readonly openEvaluationTroupe: OpenEvaluationTroupe },
  ) {
    this.#parts = parts
    this.#requireUserId = options.requireUserId
    this.#openEvaluationTroupe = options.openEvaluationTroupe
    this.#reconfiguring = new Reconfiguring(parts)
  }

  /** Counts and durations of what happens here. */
  get metrics(): MetricsCollector {
    return this.#parts.metrics
  }

  /** What happens here, as lines: `troupe.log.level = 'debug'` holds from the next line on. */
  get log(): Log {
    return this.#parts.log
  }

  /**
   * How long operations take: `troupe.performance.report()`, and blocks of one's own.
   * @example using timer = troupe.performance.time('import', { source: 'shop' })
   */
  get performance(): Performance {
    return this.#parts.observation.performance
  }

  /**
   * Changes settings while it runs, in this process, from their next use on: all of them, or none. What holds already is no
   * change; which settings can change is marked in docs/settings.md. Each change is told, `config.changed`, and recorded.
   * @param changes in the form of createTroupe, with what changes alone
   * @returns what changed
   * @throws ConflictError `config.restart` for a setting that needs a restart; ValidationError for one that is wrong
   * @example await troupe.reconfigure({ log: 'debug', models: { limits: { openai: { perMinute: 30 } } } })
   */
  async reconfigure(changes: LiveConfig, options: ReconfigureOptions = {}): Promise<readonly ChangedSetting[]> {
    if (this.#closing) throw failure('troupe.closed', { what: 'A change of the configuration' })
    return this.#reconfiguring.reconfigure(changes, options)
  }

  /**
   * So many calls in a sliding window, counted together by all processes on this storage.
   * @throws ValidationError naming the option that is wrong
   * @example
   * const limiter = troupe.rateLimiter({ name: 'search', limit: 60, window: '1m' })
   * const { allowed, retryAfterMs } = await limiter.take({ user: 'ada', agent: 'Researcher' })
   */
  rateLimiter(options: SharedRateLimit): SharedRateLimiter {
    return new SharedRateLimiter(this.#parts, options)
  }

  /** Takes checks of one's own: `troupe.healthMonitor.register(name, check)`. */
  get healthMonitor(): HealthMonitor {
    return this.#parts.observation.health
  }

  /**
   * Whether the whole works, check by check. Rejects for a wrong option, and when its signal aborts, alone.
   * @param request.fresh asks anew where an answer of a few seconds ago is kept
   */
  async health(request: { readonly fresh?: boolean; readonly signal?: AbortSignal } = {}): Promise<HealthReport> {
    checkOptions('health', request, ['fresh', 'signal'])
    const { signal, ...options } = request
    const { health } = this.#parts.observation
    // What was kept is of when it was open.
    const asked = this.#closing ? { ...options, fresh: true } : options
    return this.#unlessAborted('The health', signal, () => health.report(asked))
  }

  /** Whoever waited waits no more; what had begun goes on. */
  #unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    checkSignal(what, signal)
    if (!signal) return run()
    return unlessAborted({ clock: this.#parts.clock, what, signal }, run)
  }

  /**
   * Goes through the checklists for production: the configuration, what is stored, what runs, and with `project` the files
   * of your own project. What breaks or hangs is a result too. See docs/doctor.md.
   * @throws ValidationError for an unknown option, or a project that is no folder; CancelledError
   * @example
   * const { status, checks } = await troupe.doctor({ production: true })
   * for (const { id, evidence, remedy } of checks.filter((one) => one.status === 'fail')) console.error(id, evidence, remedy)
   */
  doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
    return doctorOf(this.#parts, this, options)
  }

  /** Whether it is alive, for a liveness probe: touches nothing, so that no storage that is away gets it killed. */
  live(): boolean {
    return this.#closing === undefined
  }

  /** Whether it may be given work, for a readiness probe: not while it shuts down, nor while a critical check fails. */
  async ready(): Promise<boolean> {
    return this.state === 'open' && (await this.health()).status !== 'unhealthy'
  }

  /**
   * Everything of one user.
   * @throws ValidationError for an id that is not allowed; with `requireUserId` for `default` too
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
   * Calls an observer for each event that matches. An observer can neither slow nor break what it observes.
   * @param type the name of an event (docs/events.md), a prefix (`run.*`), or `*`; it decides the type of the event
   * @returns a function that ends the observation
   * @throws ValidationError for a name that no event has, with the nearest name
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
    return this.#parts.events.on(type, (event) => observer(this.#clean(event) as TroupeEvent<Pattern>))
  }

  #clean(event: TroupeEvent): TroupeEvent {
    const dirty = Object.values(event).some((value) => typeof value === 'string' && this.redact(value) !== value)
    return dirty ? Object.freeze(JSON.parse(this.redact(JSON.stringify(event))) as TroupeEvent) : event
  }

  /**
   * The keys that messages are signed with: rotated and revoked while it runs.
   * @throws ValidationError where `messaging.signatures` is not configured, or off
   * @example await troupe.signatures.revoke('2026-10')
   */
  get signatures(): Signatures {
    const { signatures } = this.#parts.mailboxes
    if (signatures) return signatures
    throw failure('validation.failed', { what: 'troupe.signatures', problem: 'messaging.signatures is not configured' })
  }

  /** The way out of its tools, for code of the host's that is to keep to the same rules. */
  get egress(): Pick<Egress, 'fetch'> {
    return this.#parts.egressClient.egress
  }

  /** What callers from outside sign in with, over HTTP. */
  get apiKeys(): ApiKeys {
    return this.#parts.apiKeys
  }

  get [partsOf](): TroupeParts {
    return this.#parts
  }

  /** Who did what, and what was refused: searched, exported, proved. See docs/audit.md. */
  get audit(): Audit {
    return this.#parts.audit
  }

  /** What is sealed at rest, and the rotation of its keys. */
  get encryption(): Encryption {
    const { audit, encryption } = this.#parts
    return {
      status: () => encryption.status(),
      whenIdle: () => encryption.whenIdle(),
      rotate: async (options = {}) => {
        checkOptions('encryption.rotate', options, ['to', 'data'])
        return acting(audit, { operation: 'encryption.rotate', resource: rotated(options) }, () =>
          encryption.rotate(options),
        )
      },
      decrypt: () => acting(audit, { operation: 'encryption.decrypt' }, () => encryption.decrypt()),
    }
  }

  /**
   * Forgets a user: ends what works for it, destroys its key, and removes its rows in every room. What a crash cuts off
   * goes on at the next opening. A run of it then answers `user.erased`; what is done under the id afterwards is a new
   * user, who finds nothing.
   * @param options.signal ends the waiting for it; what has begun goes on, for half a user cannot be kept
   * @returns how many rows went, and what backups made before still hold
   * @example const { rows, backups } = await troupe.forget('ada')
   */
  async forget(userId: string, options: { readonly signal?: AbortSignal } = {}): Promise<ErasureResult> {
    checkName('user', userId)
    checkOptions('forget', options, ['signal'])
    return this.#unlessAborted('The forgetting', options.signal, () => this.#parts.erasure.forget(userId))
  }

  /** The secrets that the configuration names, for tools: `get(name)`. */
  get secrets(): Pick<Secrets, 'get'> {
    return this.#parts.secrets
  }

  /**
   * Takes the secrets that are known here out of a text: for whatever shows it to somebody.
   * @throws ValidationError for what is no text, as an error is none
   * @example console.error(troupe.redact(String(error)))
   */
  redact(text: string): string {
    checkText('redact', text)
    return this.#parts.redactor.redact(text)
  }

  /**
   * Which build this is, what it writes and reads, and which runs in flight began with other code or hold records of a
   * newer one: those are left to a build that fits.
   * @param options.limit of runs in flight that are looked at; 1,000 by default
   * @example for (const { run, agents } of (await troupe.versions()).behind) console.log(run, agents)
   */
  versions(options: { readonly limit?: number } = {}): Promise<Versions> {
    return versionsOf(this.#parts, options)
  }

  /**
   * A copy of all that is stored, at one moment, beside everything else: a folder with the data and a manifest. Keys of the
   * ring are not in it. See docs/backup.md.
   * @param folder does not exist yet; its parents are made
   * @param options.signal gives it up; nothing is left of it
   * @throws ConflictError `storage.not_empty`; ValidationError `validation.failed` for `memory:`; CancelledError; what the
   * storage says
   * @example const { bytes, rows } = await troupe.backup('./backups/monday')
   */
  async backup(folder: string, options: { readonly signal?: AbortSignal } = {}): Promise<BackupManifest> {
    checkPath('The folder of a backup', folder)
    checkOptions('backup', options, ['signal'])
    checkSignal('The backup', options.signal)
    if (this.#closing) throw failure('troupe.closed', { what: 'A backup' })
    const { settings, clock, audit } = this.#parts
    return acting(audit, { operation: 'backup.make', resource: folder }, () =>
      backupTo(settings.storage, folder, { clock, ...options }),
    )
  }

  /** Where the database came from that was restored from a backup; undefined for one that never was. */
  get restored(): Restoration | undefined {
    return this.#parts.restored.mark
  }

  /**
   * Lets a restored database go on: runs, schedules, timers, messages. Once for all processes on it and for all openings.
   * `at-most-once` effects that were under way are `uncertain` then, as after a crash. Does nothing where nothing waits.
   * @example if (troupe.state === 'restored') await troupe.resumeRestored()
   */
  resumeRestored(): Promise<void> {
    return this.#parts.restored.resume()
  }

  /** Whether it can write, and what is wrong where it cannot. */
  storageState(): StorageState {
    return this.#parts.storage.state()
  }
  sizes(): Promise<StorageSizes> {
    return this.#parts.storage.sizes()
  }

  /**
   * `restored` while a database from a backup waits for `resumeRestored`, not ready; `draining` from the call of `drain` on, whose readiness is gone; `closed` once
   * `close` or `drain` is over.
   */
  get state(): 'open' | 'restored' | 'draining' | 'closed' {
    return this.#parts.gate.state
  }

  /**
   * Ends gently, within the timeout: takes nothing in any more (`state`, and readiness with it, say so at once), lets turns
   * and handlers at work finish for half of the time, gives back what is left once its effects are recorded, and closes.
   * Nothing that was accepted is lost, whatever the timeout cuts off. A second call joins the first.
   * @example const { released, isComplete } = await troupe.drain({ timeout: '25s' })
   */
  async drain(options: DrainOptions = {}): Promise<DrainResult> {
    checkOptions('drain', options, ['timeout', 'closing'])
    this.#draining ??= drainParts(this.#parts, { ...this.#parts.settings.shutdown, ...options }, () => this.close())
    return this.#draining
  }

  /** Ends in order: nothing new, handlers and turns at work, then the storage. Waiting runs go on at the next opening. */
  close(): Promise<void> {
    this.#closing ??= closeParts(this.#parts)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
