/** Steps on a storage: carries them out, joins what runs already, keeps continuations while memory allows. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, type Events, failure, type Random } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Inbox } from '../inbox-port.ts'
import type { JournalId, Journals } from '../journal-port.ts'
import type { Steps } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import { drainSteps } from './drain-steps.ts'
import { Execution } from './execution.ts'
import type { Inside, StepLimits } from './life.ts'
import { observedProgram, tellEnd, withinStep } from './observed-step.ts'
import { effectsOf } from './recorded-effects.ts'
import type { KeptExecution, StepsContext } from './steps-context.ts'
import { createUncertainEffects } from './uncertain.ts'
import { undoStep } from './undo.ts'
import { answerSender } from './waits.ts'

export interface StepsOptions {
  readonly storage: Storage
  readonly journals: Journals
  readonly inbox: Inbox
  readonly timers: Timers
  readonly clock: Clock
  readonly random: Random
  /** Told what each step does, and when it is left. */
  readonly events?: Events
  readonly limits?: Partial<StepLimits & { readonly continuations: number }>
  /**
   * Asked before each effect of a run's step begins: nothing while this process surely still carries its runs on, else
   * a promise that says so, or rejects.
   */
  readonly mayAct?: () => Promise<void> | undefined
  /** Takes secrets out of the errors that are recorded. */
  readonly redact?: (text: string) => string
  /** Told what the code of an agent threw, as it was thrown. */
  readonly thrown?: (error: unknown) => void
}

export const stepLimits: StepLimits & { readonly continuations: number } = {
  entries: 10_000,
  valueBytes: 8 * 1024 * 1024 - 64 * 1024,
  attempts: 5,
  backoffMs: 10,
  stallMs: 10_000,
  unwindMs: 10_000,
  /** Parked steps whose code is kept in memory; the oldest gives way, and is entered again when something arrives. */
  continuations: 1_000,
}

/** More than a journal may hold. */
const allRecords = 1_000_000

/** With its length, for a name may hold any character. */
const placeOf = (user: string, step: JournalId) => `${user.length} ${user}${step}`

async function leave(executions: readonly (Execution | undefined)[]): Promise<void> {
  await Promise.all(
    executions.map((execution) => (execution?.state === 'parked' ? execution.drop() : execution?.stop('closed'))),
  )
}

/** @example const steps = createSteps({ storage, journals, inbox, timers, clock, random }) */
export function createSteps(options: StepsOptions): Steps {
  const { storage, journals, inbox } = options
  const limits: { -readonly [Name in keyof typeof stepLimits]: number } = { ...stepLimits, ...options.limits }
  const uncertain = createUncertainEffects(storage, inbox)
  const executions = new Map<string, Execution>()
  const parked = new Set<KeptExecution>()
  const forgetting = new Set<string>()
  const closing = new AbortController()
  const context: StepsContext = {
    ...options,
    limits,
    uncertain,
    inside: new AsyncLocalStorage<Inside>(),
    parked(execution) {
      parked.add(execution)
      const [oldest] = parked
      if (parked.size > limits.continuations) oldest?.drop()
    },
    resumed: (execution) => void parked.delete(execution),
    over(execution) {
      parked.delete(execution)
      const place = placeOf(execution.spec.principal.userId, execution.spec.id)
      if (executions.get(place) === execution) executions.delete(place)
    },
  }
  const unlisten = inbox.onArrival((user, journal) => executions.get(placeOf(user, journal))?.arrived())
  const execute: Steps['execute'] = (spec, program) => {
    if (closing.signal.aborted) return Promise.reject(failure('troupe.closed', { what: `Carrying out ${spec.id}` }))
    const { userId } = spec.principal
    if (forgetting.has(userId)) return Promise.reject(failure('user.forgotten', { user: userId }))
    const place = placeOf(spec.principal.userId, spec.id)
    const known = executions.get(place)
    if (known?.state === 'parked') {
      known.resume(spec)
      tellEnd(options, spec, known.end)
    }
    if (known) return known.end
    const execution = new Execution(context, spec, observedProgram(options, program))
    executions.set(place, execution)
    tellEnd(options, spec, execution.end)
    void withinStep(options, spec, () => execution.enter())
    return execution.end
  }
  return {
    execute,
    undo: (spec, program, only) => undoStep(context, spec, program, execute, only),
    answer: (user, step, wait, answer) => inbox.put(user, step, answerSender, wait, JSON.parse(JSON.stringify(answer))),
    settle: (user, step, call, settlement) => uncertain.settle(user, step, call, settlement),
    abandon: (user, given, keptMs) => journals.abandon(user, given, keptMs),
    keepEnded: (user, ended, keptMs) => journals.keepEnded(user, ended, keptMs),
    uncertain: (user) => uncertain.list(user),
    effects: async (user, step) => effectsOf(await journals.read(user, step, 0, allRecords)),
    async forget(user) {
      forgetting.add(user)
      const mine = [...executions.values()].filter(({ spec }) => spec.principal.userId === user)
      await Promise.all(mine.map((execution) => execution.forget()))
      return () => void forgetting.delete(user)
    },
    giveUp: (user, step) => leave([executions.get(placeOf(user, step))]),
    giveUpRuns: () => leave([...executions.values()].filter(({ spec }) => spec.runId !== undefined)),
    drain: (patience) => drainSteps({ ...options, limits, executions, refuse: () => closing.abort() }, patience),
    async close() {
      closing.abort()
      unlisten()
      for (const execution of [...parked]) execution.drop()
      await Promise.all([...executions.values()].map((execution) => execution.stop('closed')))
    },
  }
}
