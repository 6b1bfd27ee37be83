/** The checks of the doctor, and the option `doctor` of `createTroupe`. */
import {
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  isObject,
  listOf,
  milliseconds,
  nearest,
  show,
} from '../../core/index.ts'
import type { HealthReport, MetricsCollector } from '../../observability/index.ts'
import type { ApiKeys } from '../../security/index.ts'
import type { StorageSizes, StorageState } from '../../storage/index.ts'

/** The result of a check. */
export type DoctorStatus = 'pass' | 'warn' | 'fail'

/** The answer of a check: what was seen and, unless it passed, what to do. Neither has a secret or content. */
export type DoctorAnswer =
  | {
      readonly status: 'pass'
      /** What was seen. */
      readonly evidence: string
    }
  | {
      /** `warn`: it should be changed; `fail`: it must be. */
      readonly status: 'warn' | 'fail'
      /** What was seen. */
      readonly evidence: string
      /** What to do, exactly. */
      readonly remedy: string
    }

/** What a check of the application may read. */
export interface DoctorContext {
  /** True if the check should judge as for production: by the profile, or because the caller asked for it. */
  readonly production: boolean
  /** Aborts at the timeout of the check. */
  readonly signal: AbortSignal
  /** The folder of the project; absent if only the running troupe is checked. */
  readonly project?: string
  /** The open troupe; absent if it could not be opened. */
  readonly troupe?: {
    /** The metrics of the process. */
    readonly metrics: MetricsCollector
    /** The API keys of the troupe. */
    readonly apiKeys: ApiKeys
    /** Executes the health checks. */
    health(): Promise<HealthReport>
    /** Reads the sizes of the storage. */
    sizes(): Promise<StorageSizes>
    /** Returns the state of the storage. */
    storageState(): StorageState
  }
}

/** A check of the application for `troupe.doctor()`. */
export interface DoctorCheck {
  /** The id: lower-case words joined by dots and dashes, such as `shop.stock`, and not that of a built-in check. */
  readonly id: string
  /** What is true if the check passes, such as `The shop answers.` */
  readonly description: string
  /** The time after which the check has failed; 10 s by default. */
  readonly timeout?: Duration
  /** Executes the check. An error that it throws is a failure. */
  readonly run: (context: DoctorContext) => DoctorAnswer | Promise<DoctorAnswer>
}

/** The option `doctor` of `createTroupe`. */
export interface DoctorConfig {
  /** Checks of the application, executed after the built-in ones; none by default. */
  readonly checks?: readonly DoctorCheck[]
  /**
   * The day on which a person confirmed a check that docs/doctor.md lists as attested, by the id of the check:
   * `2026-11-01`.
   */
  readonly attest?: Readonly<Record<string, string>>
  /** How long an attestation is valid; 90 days by default. */
  readonly attestFor?: Duration
  /** The folder of the backups, each a folder that `troupe.backup` made; without it the check of backups does not pass. */
  readonly backups?: string
  /** The maximal age of the newest backup; `1d` by default. */
  readonly backupEvery?: Duration
}

const idForm = /^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/
const dayForm = /^\d{4}-\d{2}-\d{2}$/

/**
 * @param known the ids of built-in checks, and whether each may be attested
 * @throws ValidationError that names the problem
 */
export function checkDoctor(config: DoctorConfig, known: ReadonlyMap<string, { readonly attestable: boolean }>): void {
  checkOptions('doctor', config, ['checks', 'attest', 'attestFor', 'backups', 'backupEvery'])
  const ids = new Set(known.keys())
  for (const check of listOf('doctor.checks', config.checks ?? [])) {
    checkOptions('doctor.checks', check, ['id', 'description', 'timeout', 'run'])
    const where = `doctor.checks ${show(check.id)}`
    if (typeof check.id !== 'string' || !idForm.test(check.id))
      throw invalidInput(where, 'its id is not lower-case words joined by dots and dashes')
    if (ids.has(check.id)) throw invalidInput(where, 'there is a check of that id')
    ids.add(check.id)
    if (typeof check.description !== 'string' || check.description === '')
      throw invalidInput(where, 'its description is not a text')
    if (typeof check.run !== 'function') throw invalidInput(where, 'run must be a function')
    if (check.timeout !== undefined) milliseconds(check.timeout, `${where}.timeout`, '1ms')
  }
  if (config.backups !== undefined && (typeof config.backups !== 'string' || config.backups === ''))
    throw invalidInput('doctor.backups', 'it is not a path of a folder')
  for (const span of ['attestFor', 'backupEvery'] as const)
    if (config[span] !== undefined) milliseconds(config[span], `doctor.${span}`, '1ms')
  checkAttested(config.attest ?? {}, known)
}

function checkAttested(
  attest: Readonly<Record<string, string>>,
  known: ReadonlyMap<string, { readonly attestable: boolean }>,
): void {
  if (!isObject(attest)) throw invalidInput('doctor.attest', 'it must be an object of days by the ids of checks')
  const attestable = [...known].flatMap(([id, check]) => (check.attestable ? [id] : []))
  for (const [id, day] of Object.entries(attest)) {
    if (!attestable.includes(id))
      throw failure('option.unknown', {
        where: 'doctor.attest',
        option: id,
        nearest: nearest(id, attestable) ?? attestable.join(', '),
      })
    // A day that the calendar does not have is read as another one.
    const at = typeof day === 'string' && dayForm.test(day) ? Date.parse(day) : Number.NaN
    if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== day)
      throw invalidInput(`doctor.attest.${id}`, 'it is not a day such as 2026-11-01')
  }
}
