/**
 * The record of an evaluation with an id: its runs and their reports. A repeated call with the id continues with the
 * remaining runs, so that no run is paid for twice. Stored for 30 days.
 */
import { failure, type Json, type UserId } from '../../core/index.ts'
import { committed, type Statement, type Storage } from '../../storage/index.ts'
import type { EvaluatedRun } from './evaluate-run.ts'
import { evaluatedRunStatements } from './evaluated-run-statements.ts'
import type { EvaluationKind } from './evaluation-tables.ts'

const retentionMs = 30 * 86_400_000
const now = { $: 'now' } as const

interface Begun {
  /** The hash of the complete request. */
  readonly hash: string
  readonly runs: readonly string[]
}

export class EvaluationRecord {
  readonly #storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly #key: { readonly user: UserId; readonly kind: EvaluationKind; readonly evaluation: string }
  readonly #statements: ReturnType<typeof evaluatedRunStatements>

  constructor(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>, user: UserId, evaluation: string) {
    this.#storage = storage
    this.#key = { user, kind: 'evaluation', evaluation }
    this.#statements = evaluatedRunStatements(storage)
  }

  /**
   * @param choose selects the runs of a new evaluation
   * @returns its runs, and the reports so far
   * @throws ConflictError `evaluation.repeated` if an evaluation with this id has other options
   */
  async begin(
    hash: string,
    choose: () => Promise<readonly string[]>,
  ): Promise<{ readonly runs: readonly string[]; readonly done: ReadonlyMap<string, EvaluatedRun> }> {
    const { user, evaluation } = this.#key
    const [rows = []] = await this.#storage.read({ user }, [this.#statements.all(this.#key, { returns: true })])
    const bodies = new Map(
      rows.map((row) => [String(row.run_id), JSON.parse(String(row.body)) as Begun | EvaluatedRun]),
    )
    const begun = bodies.get('') as Begun | undefined
    if (begun && begun.hash !== hash) throw failure('evaluation.repeated', { evaluation })
    bodies.delete('')
    if (begun) return { runs: begun.runs, done: bodies as ReadonlyMap<string, EvaluatedRun> }
    const runs = await choose()
    await this.#put('', { hash, runs }, [])
    return { runs, done: new Map() }
  }

  /** @throws NotFoundError `run.unknown` if the past run was deleted, or its user erased */
  add(result: EvaluatedRun): Promise<void> {
    const { run } = result
    const expect = { expect: { rows: 1 }, otherwise: 'run.unknown', detail: { run } } as const
    return this.#put(run, result, [this.#statements.run({ user: this.#key.user, run }, expect)])
  }

  async #put(run: string, body: Json, guards: readonly Statement[]): Promise<void> {
    const { user } = this.#key
    const statements = [
      ...guards,
      this.#statements.cleanup({ user, kind: 'evaluation', before: { $: 'now', plusMs: -retentionMs } }),
      this.#statements.insert({ ...this.#key, run, body: JSON.stringify(body), at: now }),
    ]
    await committed(this.#storage, { id: null, scope: { user }, statements })
  }
}
