/** The cases of one experiment: returns a stored result, or executes the case if the budget allows it, and stores the result. */
import { type CaseParts, type CaseTask, evaluateCase, runOfCase } from './evaluate-case.ts'
import type { CaseResult, ExperimentSide } from './experiment.ts'
import { BudgetedCases, skippedResult } from './experiment-budget.ts'
import type { ReadExperiment } from './experiment-options.ts'
import type { ExperimentStore } from './experiment-store.ts'

export class StoredCases {
  readonly #parts: CaseParts
  readonly #store: ExperimentStore
  readonly #stored: ReadonlyMap<string, CaseResult>
  readonly #budget: BudgetedCases
  /** True once a case was executed. */
  hasChanges = false

  constructor(
    parts: CaseParts,
    store: ExperimentStore,
    { asked, results }: { readonly asked: ReadExperiment; readonly results: readonly CaseResult[] },
  ) {
    this.#parts = parts
    this.#store = store
    this.#stored = new Map(results.map((result) => [result.run, result]))
    const sides: readonly ExperimentSide[] = asked.against ? ['candidate', 'against'] : ['candidate']
    this.#budget = new BudgetedCases(asked.budget, parts.config, (id) =>
      sides.filter((side) => !isDone(this.#stored.get(runOfCase(parts.experiment, side, id)))),
    )
    for (const result of results) this.#budget.charge(result)
  }

  /** Rejects only if the signal aborts. */
  async resultOf(task: CaseTask): Promise<CaseResult> {
    const { case: one, side } = task
    const { experiment } = this.#parts
    const run = runOfCase(experiment, side, one.id)
    const known = this.#stored.get(run)
    if (known && isDone(known)) return known
    const misfit = await this.#budget.reserve(one.id)
    const result = misfit ? skippedResult({ case: one.id, side, run }, misfit) : await this.#execute(task)
    if (known) await this.#store.replaceResult(experiment, result)
    else if (result.status !== 'unscored') await this.#store.addResult(experiment, result)
    return result
  }

  async #execute(task: CaseTask): Promise<CaseResult> {
    let result: CaseResult | undefined
    try {
      this.#parts.signal?.throwIfAborted()
      result = await evaluateCase(this.#parts, task)
      this.hasChanges = true
      return result
    } finally {
      this.#budget.finish(task.case.id, task.side, result)
    }
  }
}

const isDone = (result: CaseResult | undefined): boolean => result !== undefined && result.status !== 'skipped'
