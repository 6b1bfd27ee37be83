/** The rows of experiments: one for each experiment, and one for the result of each of its runs. Stored for a year. */
import type { Json, UserId } from '../../../core/index.ts'
import { committed, type Statement, type Storage } from '../../../storage/index.ts'
import { evaluatedRunStatements } from '../evaluated-run-statements.ts'
import type { CaseResult, ExperimentSummary } from './experiment.ts'

const retentionMs = 365 * 86_400_000
const now = { $: 'now' } as const
const kind = 'experiment'

/** The row of an experiment. */
export type StoredExperiment = ExperimentSummary & {
  /** The hash of the complete request; an equal request resumes the experiment. */
  readonly hash: string
}

/** The position of the experiment after which a page begins. */
export interface ExperimentPosition {
  readonly at: number
  readonly id: string
}

export class ExperimentStore {
  readonly #storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly #user: UserId
  readonly #statements: ReturnType<typeof evaluatedRunStatements>

  constructor(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>, user: UserId) {
    this.#storage = storage
    this.#user = user
    this.#statements = evaluatedRunStatements(storage)
  }

  /** Stores an experiment, unless one with the same id is stored. */
  async insert(experiment: StoredExperiment): Promise<void> {
    const { cleanup, insert } = this.#statements
    await this.#commit([
      cleanup({ user: this.#user, kind, before: { $: 'now', plusMs: -retentionMs } }),
      insert(this.#row(experiment.id, '', experiment)),
    ])
  }

  /** Replaces the stored experiment. */
  async update(experiment: StoredExperiment): Promise<void> {
    const { at: _, ...row } = this.#row(experiment.id, '', experiment)
    await this.#commit([this.#statements.update(row, this.#expectRow())])
  }

  /** @throws NotFoundError `user.forgotten` if the user was erased since the experiment was stored */
  async addResult(experiment: string, result: CaseResult): Promise<void> {
    const header = this.#statements.header({ user: this.#user, kind, evaluation: experiment }, this.#expectRow())
    await this.#commit([header, this.#statements.insert(this.#row(experiment, result.run, result))])
  }

  /** Replaces the result of a case that was skipped. */
  async replaceResult(experiment: string, result: CaseResult): Promise<void> {
    const { at: _, ...row } = this.#row(experiment, result.run, result)
    await this.#commit([this.#statements.update(row, this.#expectRow())])
  }

  /** Returns an experiment; undefined if there is none with this id. */
  async get(
    id: string,
  ): Promise<{ readonly experiment: StoredExperiment; readonly results: readonly CaseResult[] } | undefined> {
    const key = { user: this.#user, kind, evaluation: id }
    const [rows = []] = await this.#storage.read({ user: this.#user }, [this.#statements.all(key, { returns: true })])
    const header = rows.find((row) => row.run_id === '')
    if (!header) return undefined
    const results = rows.flatMap((row) => (row === header ? [] : [JSON.parse(String(row.body)) as CaseResult]))
    return { experiment: JSON.parse(String(header.body)) as StoredExperiment, results }
  }

  /** The newest first. */
  async list(
    limit: number,
    after: ExperimentPosition = { at: Number.MAX_SAFE_INTEGER, id: '' },
  ): Promise<readonly (ExperimentPosition & { readonly experiment: StoredExperiment })[]> {
    const key = { user: this.#user, at: after.at, id: after.id, limit }
    const [rows = []] = await this.#storage.read({ user: this.#user }, [this.#statements.list(key, { returns: true })])
    return rows.map((row) => ({
      at: Number(row.at),
      id: String(row.evaluation),
      experiment: JSON.parse(String(row.body)) as StoredExperiment,
    }))
  }

  #expectRow() {
    return { expect: { rows: 1 }, otherwise: 'user.forgotten', detail: { user: this.#user } } as const
  }

  #row(evaluation: string, run: string, body: Json) {
    return { user: this.#user, kind, evaluation, run, body: JSON.stringify(body), at: now }
  }

  async #commit(statements: readonly Statement[]): Promise<void> {
    await committed(this.#storage, { id: null, scope: { user: this.#user }, statements })
  }
}
