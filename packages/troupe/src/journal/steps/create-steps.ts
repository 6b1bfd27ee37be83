/**
 * Steps on a storage. A call for a step that is executing joins the execution. Continuations of parked steps are retained
 * up to a limit.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, checkPorts, failure, LastReturn, maxRecordedBytes } from '../../core/index.ts'
import { effectsOf } from '../effects/effects-of.ts'
import { createUncertainEffects, type UncertainEffects } from '../effects/uncertain-effects.ts'
import { revertedCalls, undoStep } from '../effects/undo-step.ts'
import { UnrecordedOutcomes } from '../effects/unrecorded-outcomes.ts'
import { allRecords, EncodedBody, type JournalId } from '../journal-port.ts'
import type { Journals } from '../journals/create-journals.ts'
import { StepMachine } from '../machine/step-machine.ts'
import { answersOf } from '../replay/answers-of.ts'
import { requestsOf } from '../replay/replay-step.ts'
import type { DrainStepsResult, StepSpec, Steps } from '../steps-port.ts'
import type { EffectScope, StepLimits } from './execution.ts'
import { emitStepEnd, eventContextOf, type Observed, ThrownErrors, withinStep } from './observed-step.ts'
import { StepMachines } from './step-machines.ts'
import { needsLease, type ParkedExecution, type StepsContext, type StepsOptions } from './steps-context.ts'
import { SuspectQueue } from './suspect-queue.ts'
import { waitAtMost } from './wait-at-most.ts'
import { answerSender } from './waits.ts'

export const stepLimits: StepLimits & { readonly continuations: number } = {
  entries: 10_000,
  valueBytes: maxRecordedBytes,
  restarts: 5,
  attempts: 5,
  backoffMs: 10,
  stallMs: 10_000,
  unwindMs: 10_000,
  /**
   * The number of parked steps whose code stays in memory; beyond it the oldest is dropped, and executed again when
   * input arrives.
   */
  continuations: 1_000,
}

async function leave(machines: readonly (StepMachine | undefined)[]): Promise<void> {
  await Promise.all(machines.map((machine) => (machine?.state === 'parked' ? machine.drop() : machine?.stop('close'))))
}

function createMachine(
  observed: Observed,
  context: StepsContext,
  spec: StepSpec,
  program: Parameters<Steps['execute']>[1],
): StepMachine {
  const step = () => machine
  const observedProgram = observed.thrown.observed(program, step)
  const around = eventContextOf(spec)
  const machine: StepMachine = withinStep(observed, around, () => new StepMachine(context, spec, observedProgram))
  emitStepEnd(observed, spec, around, machine)
  return machine
}

/** The statements for steps that end without their code, or have ended. */
const endings = (
  journals: Journals,
  uncertain: UncertainEffects,
): Pick<Steps, 'cancel' | 'abandon' | 'retainEnded' | 'dropUncertain' | 'resolveEnded' | 'markUncertain'> => ({
  cancel: (user, step) => ({
    statements: [...journals.fence(user, [step]).statements, ...journals.close(user, step).statements],
  }),
  abandon: (user, steps, retentionMs) => journals.abandon(user, steps, retentionMs),
  retainEnded: (user, ended, retentionMs) => journals.retainEnded(user, ended, retentionMs),
  resolveEnded: (user, step, call, resolution) => uncertain.resolveEnded(user, step, call, resolution),
  markUncertain: (user, step) => uncertain.addUnknown(user, step),
  dropUncertain: (user, ended) => ({ statements: ended.flatMap((step) => uncertain.drop(user, step).statements) }),
})

/** The operations that execute the code of a step once more. */
const replays = (context: StepsContext, execute: Steps['execute']): Pick<Steps, 'reverted' | 'undo' | 'requests'> => ({
  reverted: (user, step) => revertedCalls(context, user, step),
  undo: (spec, program, options) => undoStep(context, spec, program, execute, options),
  requests: (spec, program) => requestsOf(context, spec, program),
})

/** @example const steps = createSteps({ storage, journals, inbox, timers, clock, random }) */
export function createSteps(options: StepsOptions): Steps {
  checkPorts('createSteps', options, ['storage', 'journals', 'inbox', 'timers', 'clock', 'random'])
  return openSteps(options)
}

/**
 * Passes arrivals to steps, and aborts of cancelled steps between the processes of a storage. A lost abort only delays the end of
 * its step.
 */
function listen(
  { inbox, storage: { broadcast } }: StepsOptions,
  machines: StepMachines,
): Pick<Steps, 'abort'> & { readonly unlisten: () => void } {
  const abortHere = (user: string, step: JournalId): boolean => {
    const machine = machines.of(user, step)
    if (machine === undefined || machine.state === 'parked') {
      machine?.drop()
      return false
    }
    machine.abort()
    return true
  }
  const unlistenInbox = inbox.onArrival((user, journal) => machines.of(user, journal)?.dispatch({ on: 'arrival' }))
  const unlistenAborts = broadcast?.on((text) => {
    const [what, user, step] = text.startsWith(abortPrefix) ? (JSON.parse(text) as string[]) : []
    if (what !== undefined) abortHere(String(user), String(step))
  })
  return {
    abort(user, step) {
      const isHere = abortHere(user, step)
      if (!isHere) broadcast?.send(JSON.stringify(['step.abort', user, step]))
      return isHere
    },
    unlisten() {
      unlistenInbox()
      unlistenAborts?.()
    },
  }
}
const abortPrefix = '["step.abort",'

/** Fields that are undefined are left out. */
const textOf = (answer: object) => new EncodedBody(JSON.stringify(answer))

function openSteps(options: StepsOptions): Steps {
  const { journals, inbox } = options
  const limits: { -readonly [Name in keyof typeof stepLimits]: number } = { ...stepLimits, ...options.limits }
  const uncertain = createUncertainEffects(options.storage, inbox, journals)
  const machines = new StepMachines()
  const observed = { ...options, thrown: new ThrownErrors() }
  const [parked, erasing] = [new Set<ParkedExecution>(), new Set<string>()]
  const closing = new AbortController()
  const context: StepsContext = {
    ...options,
    limits,
    uncertain,
    lastReturn: new LastReturn(options.clock),
    suspects: new SuspectQueue(options.clock),
    unrecorded: new UnrecordedOutcomes(),
    effectScope: new AsyncLocalStorage<EffectScope>(),
    parked(machine) {
      parked.add(machine)
      if (parked.size > limits.continuations) parked.values().next().value?.drop()
    },
    resumed: (machine) => void parked.delete(machine),
    over(machine) {
      parked.delete(machine)
      machines.remove(machine)
    },
  }
  const { abort, unlisten } = listen(options, machines)
  const execute: Steps['execute'] = (spec, program) => {
    if (closing.signal.aborted) return Promise.reject(failure('troupe.closed', { what: `Carrying out ${spec.id}` }))
    const user = spec.principal.userId
    if (erasing.has(user)) return Promise.reject(failure('user.forgotten', { user }))
    if (spec.isLeased) machines.of(user, spec.id)?.drop()
    const known = machines.of(user, spec.id)
    if (known?.state === 'parked') {
      known.dispatch({ on: 'execute', spec })
      emitStepEnd(observed, spec, eventContextOf(spec), known)
    }
    if (known) return known.end
    const machine = createMachine(observed, context, spec, program)
    machines.add(machine)
    machine.start()
    return machine.end
  }
  return {
    execute,
    ...replays(context, execute),
    answer: (user, step, wait, answer) => inbox.put(user, step, answerSender, wait, textOf(answer)),
    resolve: (user, step, call, resolution) => uncertain.resolve(user, step, call, resolution),
    ...endings(journals, uncertain),
    uncertain: uncertain.listed,
    answers: async (user, step, kind) => answersOf(await journals.read(user, step, 0, allRecords), kind),
    effects: async (user, step) => effectsOf(await journals.read(user, step, 0, allRecords)),
    async forget(user) {
      erasing.add(user)
      const mine = machines.all().filter(({ spec }) => spec.principal.userId === user)
      await Promise.all(mine.map((machine) => machine.forget()))
      context.unrecorded.forget(user)
      return () => void erasing.delete(user)
    },
    abort,
    release: (user, step) => leave([machines.of(user, step)]),
    releaseLeased: () => leave(machines.all().filter(({ spec }) => needsLease(spec))),
    drain: (timeouts) => drainSteps({ ...options, limits, machines, stopAccepting: () => closing.abort() }, timeouts),
    async close() {
      closing.abort()
      unlisten()
      // A step that was cancelled before may have a longer time to stop than a process that closes.
      await waitAtMost(options.clock, 2 * limits.unwindMs, leave(machines.all()))
    },
  }
}

interface DrainStepsParts {
  readonly clock: Clock
  readonly limits: { unwindMs: number }
  readonly machines: StepMachines
  /** Stops the acceptance of steps. */
  readonly stopAccepting: () => void
}

/** Drains executing steps: see `Steps.drain`. */
async function drainSteps(
  { clock, limits, machines, stopAccepting }: DrainStepsParts,
  { finishMs, effectsMs }: { readonly finishMs: number; readonly effectsMs: number },
): Promise<DrainStepsResult> {
  const running = () => machines.all().filter(({ state }) => state !== 'parked')
  const begun = new Set(running())
  const untilIdle = async () => {
    for (let at = running(); at.length > 0; at = running()) {
      for (const machine of at) begun.add(machine)
      await Promise.allSettled(at.map(({ end }) => end))
    }
  }
  await waitAtMost(clock, finishMs, untilIdle())
  stopAccepting()
  // Code that ignores its signal is not awaited for longer than the time that is left.
  limits.unwindMs = Math.min(limits.unwindMs, effectsMs / 3)
  const left = running()
  // Some began after the last look, while others were awaited.
  for (const machine of left) begun.add(machine)
  await waitAtMost(clock, effectsMs, Promise.all(left.map((machine) => machine.drain())))
  return { finished: begun.size - left.length, released: left.length }
}
