/** What a check of the doctor is, ours and a user's alike, and what `createTroupe({ doctor })` takes. */
import {
  checkOptions,
  type Duration,
  failure,
  isObject,
  listOf,
  milliseconds,
  nearest,
  show,
} from '../../core/index.ts'
import type { HealthReport, MetricsCollector } from '../../observability/index.ts'
import type { ApiKeys } from '../../security/index.ts'
import type { StorageSizes, StorageState } from '../../storage/index.ts'

export type DoctorStatus = 'pass' | 'warn' | 'fail'

/** What a check found: what was seen, and where that is not enough, exactly what to do. Neither holds a secret or a payload. */
export type DoctorAnswer =
  | { readonly status: 'pass'; readonly evidence: string }
  | { readonly status: 'warn' | 'fail'; readonly evidence: string; readonly remedy: string }

/** What a check of one's own may look at. */
export interface DoctorContext {
  /** Judge as for production: by the profile, or because it was asked for. */
  readonly production: boolean
  /** Aborts when the time of the check is over. */
  readonly signal: AbortSignal
  /** The folder of the project; absent where only the running system is looked at. */
  readonly project?: string
  /** The open troupe; absent where it could not be opened. */
  readonly troupe?: {
    readonly metrics: MetricsCollector
    readonly apiKeys: ApiKeys
    health(): Promise<HealthReport>
    sizes(): Promise<StorageSizes>
    storageState(): StorageState
  }
}

export interface DoctorCheck {
  /** Lower-case words joined by dots and dashes: `shop.stock`. None of ours. */
  readonly id: string
  /** What holds where it passes: `The shop answers.` */
  readonly description: string
  /** Longer than that it has failed; 10 s by default. */
  readonly timeout?: Duration
  readonly run: (context: DoctorContext) => DoctorAnswer | Promise<DoctorAnswer>
}

export interface DoctorConfig {
  /** Checks of one's own, after ours. */
  readonly checks?: readonly DoctorCheck[]
  /** By the id of a check that docs/doctor.md lists as attested: the day on which a person saw to it, `2026-11-01`. */
  readonly attest?: Readonly<Record<string, string>>
  /** How long such a word holds; 90 days by default. */
  readonly attestFor?: Duration
  /** The folder in which backups are kept, each a folder that `troupe.backup` made. */
  readonly backups?: string
  /** How old the newest of them may be; `1d` by default. */
  readonly backupEvery?: Duration
}

const idForm = /^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/
const dayForm = /^\d{4}-\d{2}-\d{2}$/

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })

/**
 * @param known ids of our checks, and whether each may be attested
 * @throws ValidationError naming what is wrong
 */
export function checkDoctor(config: DoctorConfig, known: ReadonlyMap<string, { readonly attestable: boolean }>): void {
  checkOptions('doctor', config, ['checks', 'attest', 'attestFor', 'backups', 'backupEvery'])
  const ids = new Set(known.keys())
  for (const check of listOf('doctor.checks', config.checks ?? [])) {
    checkOptions('doctor.checks', check, ['id', 'description', 'timeout', 'run'])
    const where = `doctor.checks ${show(check.id)}`
    if (typeof check.id !== 'string' || !idForm.test(check.id))
      throw wrong(where, 'its id is not lower-case words joined by dots and dashes')
    if (ids.has(check.id)) throw wrong(where, 'there is a check of that id')
    ids.add(check.id)
    if (typeof check.description !== 'string' || check.description === '') throw wrong(where, 'says is not a text')
    if (typeof check.run !== 'function') throw wrong(where, 'run must be a function')
    if (check.timeout !== undefined) milliseconds(check.timeout, `${where}.timeout`, '1ms')
  }
  if (config.backups !== undefined && (typeof config.backups !== 'string' || config.backups === ''))
    throw wrong('doctor.backups', 'it is not a path of a folder')
  for (const span of ['attestFor', 'backupEvery'] as const)
    if (config[span] !== undefined) milliseconds(config[span], `doctor.${span}`, '1ms')
  checkAttested(config.attest ?? {}, known)
}

function checkAttested(
  attest: Readonly<Record<string, string>>,
  known: ReadonlyMap<string, { readonly attestable: boolean }>,
): void {
  if (!isObject(attest)) throw wrong('doctor.attest', 'it is not an object of days by the ids of checks')
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
      throw wrong(`doctor.attest.${id}`, 'it is not a day such as 2026-11-01')
  }
}
