/**
 * Executes all checks concurrently, each with a time limit, so that a check that fails or hangs is a result like the others.
 * Findings are redacted and limited in length.
 */

import {
  type CheckId,
  checkDoctor,
  checkIds,
  checksById,
  type DoctorAnswer,
  type DoctorConfig,
  type DoctorContext,
  type DoctorStatus,
  entryOf,
  severityOf,
} from '../../configuration/index.ts'
import {
  type Clock,
  type Duration,
  messageWithId,
  milliseconds,
  reportCallback,
  storeError,
  systemClock,
  truncateText,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'
import { agentChecks } from './checks/agent-checks.ts'
import type { CheckFunctions } from './checks/check-functions.ts'
import { configurationChecks } from './checks/configuration-checks.ts'
import { contextChecks } from './checks/context-checks.ts'
import { observationChecks } from './checks/observation-checks.ts'
import { projectChecks } from './checks/project-checks.ts'
import { securityChecks } from './checks/security-checks.ts'
import { storageChecks } from './checks/storage-checks.ts'
import { workChecks } from './checks/work-checks.ts'
import { type DoctorSubject, fail, pass, short, warn } from './doctor-subject.ts'

/** The result of one check. */
export interface DoctorResult {
  /** The id of the check, as docs/doctor.md lists it. */
  readonly id: string
  /** The subject of the check: `own` for a check of the application, `word` for an attestation of a person. */
  readonly about: 'configuration' | 'system' | 'project' | 'word' | 'own'
  /** The statement that holds if the check passes. */
  readonly description: string
  /** `pass`, `warn` or `fail`. */
  readonly status: DoctorStatus
  /** The evidence. */
  readonly evidence: string
  /** The remedy; absent if the check passed. */
  readonly remedy?: string
  /** The time of the check in ms. */
  readonly durationMs: number
}

/** The results of all checks. */
export interface DoctorReport {
  /** The worst of all checks. */
  readonly status: DoctorStatus
  /** True if the checks are those of production. */
  readonly production: boolean
  /** The time of the report, as ISO 8601 text. */
  readonly at: string
  /** The number of checks by their status. */
  readonly counts: Readonly<Record<DoctorStatus, number>>
  /** The most important first: by status, failures before warnings, then by the severities that docs/doctor.md lists. */
  readonly checks: readonly DoctorResult[]
}

const runs: CheckFunctions = {
  ...configurationChecks,
  ...storageChecks,
  ...securityChecks,
  ...agentChecks,
  ...observationChecks,
  ...contextChecks,
  ...workChecks,
  ...projectChecks,
}
const timeout: Duration = '10s'
const maxTextLength = 1_000

export interface ExamineOptions {
  readonly clock?: Clock
  readonly redact?: (text: string) => string
  /** The checks to execute; all by default. */
  readonly only?: readonly DoctorResult['about'][]
  /** The troupe that checks of the application get. */
  readonly troupe?: DoctorContext['troupe']
  readonly signal?: AbortSignal
}

type ExamineSubject = Omit<DoctorSubject, 'signal'>

/** @throws CancelledError only; other errors are results */
export async function examine(subject: ExamineSubject, options: ExamineOptions = {}): Promise<DoctorReport> {
  const { clock = systemClock, only, signal } = options
  const config = usable(subject.config.doctor)
  const ours = checkIds.filter((id) => {
    const { about } = entryOf(id)
    return (only?.includes(about) ?? true) && (about !== 'project' || subject.project !== undefined)
  })
  const builtIn = ours.map((id) => {
    const { about, description } = entryOf(id)
    const evaluate = (one: DoctorSubject) => answerFor(id, one)
    return timed({
      id,
      about,
      description,
      timeoutMs: milliseconds(timeout, 'timeout'),
      evaluate: async (one) => attested(id, one, config, await evaluate(one)),
    })
  })
  const own = (only?.includes('own') ?? true) ? (config.checks ?? []) : []
  const theirs = own.map(({ id, description, run, timeout: ownTimeout = timeout }) =>
    timed({
      id,
      about: 'own',
      description,
      timeoutMs: milliseconds(ownTimeout, 'timeout'),
      evaluate: async (one) => checkAnswer(id, await run(contextOf(one))),
    }),
  )
  const checks = await Promise.all([...builtIn, ...theirs])
  return reportOf(checks, subject.production, new Date(subject.now).toISOString())

  function contextOf({ production, signal: within, project }: DoctorSubject): DoctorContext {
    return {
      production,
      signal: within,
      ...(project ? { project: project.folder } : {}),
      ...(options.troupe ? { troupe: options.troupe } : {}),
    }
  }

  async function timed(check: {
    readonly id: string
    readonly about: DoctorResult['about']
    readonly description: string
    readonly timeoutMs: number
    readonly evaluate: (subject: DoctorSubject) => Promise<DoctorAnswer>
  }): Promise<DoctorResult> {
    const { id, about, description, timeoutMs, evaluate } = check
    const began = clock.monotonic()
    const limit = { clock, limitMs: timeoutMs, kind: 'own', what: `The check ${id}`, signal }
    const found = await withTimeLimit(limit, (within) => evaluate({ ...subject, signal: within })).catch(
      (error: unknown) => {
        if (signal?.aborted) throw error
        const { parts } = subject
        if (about === 'own' && parts) reportCallback(parts.platform, { callback: 'doctor check', name: id }, error)
        return failedCheck(error)
      },
    )
    const text = (value: string) => bounded(options.redact?.(value) ?? value)
    return {
      id,
      about,
      description,
      status: found.status,
      evidence: text(found.evidence),
      ...(found.status === 'pass' ? {} : { remedy: text(found.remedy) }),
      durationMs: clock.monotonic() - began,
    }
  }
}

/** Combines several reports. */
export const joined = (first: DoctorReport, ...others: readonly DoctorReport[]): DoctorReport =>
  reportOf(
    [first, ...others].flatMap(({ checks }) => checks),
    first.production,
    first.at,
  )

const statuses: readonly DoctorStatus[] = ['fail', 'warn', 'pass']
const severities = ['high', 'medium', 'low']

/** Checks of the same status and severity stay in the order of the catalogue, those of the application after them. */
const byImportance = (a: DoctorResult, b: DoctorResult): number =>
  statuses.indexOf(a.status) - statuses.indexOf(b.status) ||
  severities.indexOf(severityOf(a.id)) - severities.indexOf(severityOf(b.id))

function reportOf(results: readonly DoctorResult[], production: boolean, at: string): DoctorReport {
  const checks = results.toSorted(byImportance)
  const count = (status: DoctorStatus) => checks.filter((check) => check.status === status).length
  const counts = { pass: count('pass'), warn: count('warn'), fail: count('fail') }
  return { status: counts.fail > 0 ? 'fail' : counts.warn > 0 ? 'warn' : 'pass', production, at, counts, checks }
}

/** An invalid attestation is reported among the results and ignored. */
function usable(config: DoctorConfig = {}): DoctorConfig {
  try {
    checkDoctor(config, checksById)
    return config
  } catch {
    return {}
  }
}

async function answerFor(id: CheckId, subject: DoctorSubject): Promise<DoctorAnswer> {
  const { about } = entryOf(id)
  if (about === 'word')
    return short(
      subject,
      'No person has attested it.',
      `Do it, and set doctor.attest: { '${id}': 'YYYY-MM-DD' } to the date of the work.`,
    )
  if (about === 'system' && !subject.parts)
    return warn(
      'Not checked, because the troupe is not open.',
      'Solve the problem that troupe.opens reports, and run the doctor again.',
    )
  // The needs of each check were verified above.
  return runs[id as keyof CheckFunctions](subject as never)
}

/** An attestation replaces missing evidence until it expires. */
function attested(id: CheckId, subject: DoctorSubject, config: DoctorConfig, found: DoctorAnswer): DoctorAnswer {
  const day = config.attest?.[id]
  if (found.status === 'pass' || !entryOf(id).isAttestable || day === undefined) return found
  const until = Date.parse(day) + milliseconds(config.attestFor ?? '90d', 'doctor.attestFor')
  const ends = new Date(until).toISOString().slice(0, 10)
  if (Date.parse(day) > subject.now)
    return short(subject, `The attested date ${day} is in the future.`, 'Attest only completed work, with its date.')
  if (subject.now < until) return pass(`Attested on ${day}, valid until ${ends}.`)
  return short(
    subject,
    `Attested on ${day}, valid until ${ends}: expired.`,
    `Repeat the work, and set doctor.attest: { '${id}': 'YYYY-MM-DD' }.`,
  )
}

function checkAnswer(id: string, answer: DoctorAnswer): DoctorAnswer {
  const { status, evidence, remedy } = (answer ?? {}) as Partial<Record<'status' | 'evidence' | 'remedy', unknown>>
  const isComplete = typeof evidence === 'string' && (status === 'pass' || typeof remedy === 'string')
  if (isComplete && ['pass', 'warn', 'fail'].includes(String(status))) return answer
  return fail(
    `The check ${id} returned an invalid result.`,
    "Return { status: 'pass' | 'warn' | 'fail', evidence } as texts, with a remedy where it does not pass.",
  )
}

function failedCheck(error: unknown): DoctorAnswer {
  const stored = storeError(error)
  const { hint, code, errorId } = stored
  const remedy =
    errorId === undefined
      ? (hint ?? 'Find the reason of the timeout; the state of the checked part is unknown.')
      : 'Find the stack in the log by the id, and correct the check.'
  return fail(`The check itself ${code === 'timeout' ? 'timed out' : 'failed'}: ${messageWithId(stored)}`, remedy)
}

const bounded = (text: string) => (text.length > maxTextLength ? `${truncateText(text, maxTextLength)}…` : text)
