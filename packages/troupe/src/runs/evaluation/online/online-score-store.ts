/** The scores of live runs: their verdicts, and a row for each score, for the sums over time. Stored for a year. */
import { sql } from 'kysely'
import type { UserId } from '../../../core/index.ts'
import { type Bind, committed, type Dialect, type Storage, templates } from '../../../storage/index.ts'
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
  readonly #scores: ReturnType<typeof scoreStatements>

  constructor(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>) {
    this.#storage = storage
    this.#statements = evaluatedRunStatements(storage)
    this.#scores = scoreStatements(storage.dialect)
  }

  /** @param team the name of the run's team; null if the team was not registered */
  async add(user: UserId, team: string | null, scores: OnlineScores): Promise<void> {
    const { cleanup, insert, run: find } = this.#statements
    const { run } = scores
    const [now, before] = [{ $: 'now' }, { $: 'now', plusMs: -retentionMs }] as const
    const statements = [
      find({ user, run }, { expect: { rows: 1 }, otherwise: 'run.unknown', detail: { run } }),
      cleanup({ user, kind, before }),
      this.#scores.cleanup({ user, before }),
      insert({ user, kind, evaluation: run, run, body: JSON.stringify(scores), at: now }),
      ...Object.entries(scores.scores).map(([scorer, { score }]) =>
        this.#scores.insert({ user, run, scorer, team, score, at: now }),
      ),
    ]
    await committed(this.#storage, { id: null, scope: { user }, statements })
  }

  /** Returns the scores of a run; undefined if it was not scored. */
  async get(user: UserId, run: string): Promise<OnlineScores | undefined> {
    const all = this.#statements.all({ user, kind, evaluation: run }, { returns: true })
    const [rows = []] = await this.#storage.read({ user }, [all])
    const [row] = rows
    return row && (JSON.parse(String(row.body)) as OnlineScores)
  }
}

function scoreStatements(dialect: Dialect) {
  const compiled = templates(dialect)
  return {
    insert: compiled<{ user: string; run: string; scorer: string; team: string | null; score: number; at: Bind }>(
      (p) => sql`insert into online_scores (user_id, run_id, scorer, team, score, at)
        values (${p.user}, ${p.run}, ${p.scorer}, ${p.team}, ${p.score}, ${p.at}) on conflict do nothing`,
    ),
    cleanup: compiled<{ user: string; before: Bind }>(
      (p) => sql`delete from online_scores where user_id = ${p.user} and at < ${p.before}`,
    ),
  }
}
