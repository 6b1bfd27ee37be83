/** The budget of an experiment: decides before each case whether what is left is enough for it. */
import { checkOptions, type Duration, failure, type StoredError, storeError } from '../../../core/index.ts'
import { type RunConfig, type RunLimits, readRunLimits } from '../../../topology/index.ts'
import type { CaseResult, ExperimentLimits, ExperimentSide } from './experiment.ts'

/** The budget that all cases of an experiment share, scorers included. */
export interface ExperimentBudget {
  /** Input and output tokens of all runs and scorers; unlimited by default. */
  readonly tokens?: number
  /** US dollars of all runs and scorers; unlimited by default. A call without a known price counts 0. */
  readonly cost?: number
  /** The sum of the durations of all runs; unlimited by default. */
  readonly time?: Duration
}

const kinds = ['tokens', 'cost', 'time'] as const
type Kind = (typeof kinds)[number]
type Used = Readonly<Record<Kind, number>>
const nothing: Used = { tokens: 0, cost: 0, time: 0 }

/** @throws ValidationError naming the option that is unknown or out of range */
export function readExperimentBudget(budget: ExperimentBudget | undefined): ExperimentLimits {
  const where = 'experiments.evaluate.budget'
  checkOptions(where, budget ?? {}, kinds)
  return readRunLimits(where, budget)
}

/** Why a case does not fit. */
export interface Misfit {
  readonly budget: Kind
  readonly used: number
  readonly limit: number
  readonly needed: number
}

/** Returns the sides that still have to execute a case. */
type SidesOf = (caseId: string) => readonly ExperimentSide[]

/**
 * Reserves what a case may need before it starts. A case needs the budget that `config` gives each run, or else as much as the
 * most expensive case of its side so far; the first case of a side starts alone, so that there is a measure. Both sides of a case
 * are decided together. A case that does not fit waits while others are in progress, which may use less than was reserved.
 */
export class BudgetedCases {
  readonly #limits: ExperimentLimits
  readonly #perRun: RunLimits
  readonly #sidesOf: SidesOf
  readonly #decided = new Map<string, Promise<Misfit | undefined>>()
  readonly #reserved = new Map<string, Used>()
  readonly #highest = new Map<ExperimentSide, Used>()
  #used = nothing
  #released = Promise.withResolvers<void>()

  constructor(limits: ExperimentLimits, config: RunConfig | undefined, sidesOf: SidesOf) {
    this.#limits = limits
    this.#perRun = readRunLimits('config.budget', config?.budget)
    this.#sidesOf = sidesOf
  }

  /** Resolves once both sides of the case are reserved, or with the reason for which the case does not fit. */
  reserve(caseId: string): Promise<Misfit | undefined> {
    const decided = this.#decided.get(caseId) ?? this.#decide(caseId)
    this.#decided.set(caseId, decided)
    return decided
  }

  /** Ends the reservation of one side of a case, and counts what it has used; nothing if the signal aborted. */
  finish(caseId: string, side: ExperimentSide, result?: CaseResult): void {
    if (result) this.charge(result)
    this.#reserved.delete(`${side} ${caseId}`)
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }

  /** Counts what a case has used, also one that an earlier call has executed. */
  charge(result: CaseResult): void {
    if (result.status === 'skipped') return
    const used = usedBy(result)
    this.#used = combine(this.#used, used, (a, b) => a + b)
    this.#highest.set(result.side, combine(this.#highest.get(result.side) ?? nothing, used, Math.max))
  }

  async #decide(caseId: string): Promise<Misfit | undefined> {
    if (Object.keys(this.#limits).length === 0) return undefined
    const sides = this.#sidesOf(caseId)
    for (;;) {
      const needs = sides.map((side) => [`${side} ${caseId}`, this.#need(side)] as const)
      const needed = needs.reduce((sum, [, need]) => combine(sum, need, (a, b) => a + b), nothing)
      const misfit = this.#misfit(needed)
      const isMeasured = sides.every((side) => this.#highest.has(side))
      if (misfit === undefined && (isMeasured || this.#reserved.size === 0)) {
        for (const [key, need] of needs) this.#reserved.set(key, need)
        return undefined
      }
      if (this.#reserved.size === 0) return misfit
      await this.#released.promise
    }
  }

  #need(side: ExperimentSide): Used {
    const highest = this.#highest.get(side) ?? nothing
    return combine(highest, { ...nothing, ...this.#perRun } as Used, Math.max)
  }

  #misfit(needed: Used): Misfit | undefined {
    const reserved = [...this.#reserved.values()].reduce((sum, one) => combine(sum, one, (a, b) => a + b), nothing)
    for (const budget of kinds) {
      const limit = this.#limits[budget]
      if (limit === undefined) continue
      const used = this.#used[budget]
      // A case without a measure needs nothing, and starts only if something is left.
      if (used >= limit || used + reserved[budget] + needed[budget] > limit)
        return { budget, used, limit, needed: needed[budget] }
    }
    return undefined
  }
}

/** Returns the result of a case that was not started. */
export function skippedResult(about: Pick<CaseResult, 'case' | 'side' | 'run'>, misfit: Misfit): CaseResult {
  const error: StoredError = storeError(failure('experiment.skipped', { case: about.case, ...misfit }))
  const unused = { steps: 0, tokens: 0, cost: 0, durationMs: 0, scoring: { tokens: 0, cost: 0 } }
  return { ...about, status: 'skipped', scores: {}, ...unused, error }
}

const usedBy = ({ tokens, cost, durationMs, scoring }: CaseResult): Used => ({
  tokens: tokens + scoring.tokens,
  cost: cost + scoring.cost,
  time: durationMs,
})

const combine = (one: Used, other: Used, by: (a: number, b: number) => number): Used => ({
  tokens: by(one.tokens, other.tokens),
  cost: by(one.cost, other.cost),
  time: by(one.time, other.time),
})
