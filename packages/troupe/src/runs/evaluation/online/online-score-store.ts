/** The scores of live runs: one row for each run that was scored. Stored for a year. */
import { failure, type UserId } from '../../../core/index.ts'
import type { Storage } from '../../../storage/index.ts'
import type { Spent } from '../evaluate-run.ts'
import { evaluatedRunStatements } from '../evaluated-run-statements.ts'
import type { EvaluationKind } from '../evaluation-tables.ts'
import type { Verdict } from '../scorers/score-function.ts'

const retentionMs = 365 * 86_400_000
const kind: EvaluationKind = 'online'

/** The scores of a live run. They are stored for a year. */
export type OnlineScores = {
  /** The id of the run. */
  readonly run: string
  /** The verdicts, by the name of the scorer. */
  readonly scores: Readonly<Record<string, Verdict>>
  /** The use of models by the scorers. */
  readonly scoring: Spent
  /** The time of the scoring, as ISO 8601 text. */
  readonly scoredAt: string
}

export class OnlineScoreStore {
  readonly #storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly #statements: ReturnType<typeof evaluatedRunStatements>

  constructor(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>) {
    this.#storage = storage
    this.#statements = evaluatedRunStatements(storage)
  }

  async add(user: UserId, scores: OnlineScores): Promise<void> {
    const { cleanup, insert } = this.#statements
    const key = { user, kind, evaluation: scores.run, run: scores.run }
    const statements = [
      cleanup({ user, kind, before: { $: 'now', plusMs: -retentionMs } }),
      insert({ ...key, body: JSON.stringify(scores), at: { $: 'now' } }),
    ]
    const result = await this.#storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok) throw failure(result.code, { ...result.detail })
  }

  /** Returns the scores of a run; undefined if it was not scored. */
  async get(user: UserId, run: string): Promise<OnlineScores | undefined> {
    const all = this.#statements.all({ user, kind, evaluation: run }, { returns: true })
    const [rows = []] = await this.#storage.read({ user }, [all])
    const [row] = rows
    return row && (JSON.parse(String(row.body)) as OnlineScores)
  }
}
