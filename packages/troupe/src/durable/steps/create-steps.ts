/** Steps on a storage: carries them out, joins what runs already, keeps continuations while memory allows. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, failure, type Random } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Inbox } from '../inbox-port.ts'
import type { JournalId, Journals } from '../journal-port.ts'
import type { Steps } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import { Execution } from './execution.ts'
import type { Inside, StepLimits } from './life.ts'
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
  readonly limits?: Partial<StepLimits & { readonly continuations: number }>
}

export const stepLimits: StepLimits & { readonly continuations: number } = {
  entries: 10_000,
  valueCharacters: 8 * 1024 * 1024,
  attempts: 5,
  backoffMs: 10,
  stallMs: 10_000,
  unwindMs: 10_000,
  /** Parked steps whose code is kept in memory; the oldest gives way, and is entered again when something arrives. */
  continuations: 1_000,
}

/** More than a journal may hold. */
const allRecords = 1_000_000

/** @example const steps = createSteps({ storage, journals, inbox, timers, clock, random }) */
export function createSteps(options: StepsOptions): Steps {
  const { storage, journals, inbox } = options
  const limits = { ...stepLimits, ...options.limits }
  const uncertain = createUncertainEffects(storage, inbox)
  const executions = new Map<string, Execution>()
  const parked = new Set<KeptExecution>()
  let closed = false
  const placeOf = (user: string, step: JournalId) => `${user}\n${step}`
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
    if (closed) return Promise.reject(failure('troupe.closed', { what: `Carrying out ${spec.id}` }))
    const place = placeOf(spec.principal.userId, spec.id)
    const known = executions.get(place)
    if (known) {
      if (known.state === 'parked') known.resume(spec)
      return known.end
    }
    const execution = new Execution(context, spec, program)
    executions.set(place, execution)
    void execution.enter()
    return execution.end
  }
  return {
    execute,
    undo: (spec, program) => undoStep(context, spec, program, execute),
    answer: (user, step, wait, answer) => inbox.put(user, step, answerSender, wait, JSON.parse(JSON.stringify(answer))),
    settle: (user, step, call, settlement) => uncertain.settle(user, step, call, settlement),
    uncertain: (user) => uncertain.list(user),
    effects: async (user, step) => effectsOf(await journals.read(user, step, 0, allRecords)),
    async close() {
      closed = true
      unlisten()
      for (const execution of [...parked]) execution.drop()
      await Promise.all([...executions.values()].map((execution) => execution.stop('closed')))
    },
  }
}
