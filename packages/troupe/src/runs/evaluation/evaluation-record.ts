/**
 * What an evaluation that has an id has done: the runs that it chose, and the report of each as it was made. Begun again with
 * its id it goes on with what is left, and pays for nothing twice. Kept for 30 days.
 */
import { sql } from 'kysely'
import { failure, type Json, type UserId } from '../../core/index.ts'
import { type Bind, rawTemplates, type Storage } from '../../storage/index.ts'
import type { EvaluatedRun } from './evaluate-run.ts'
import { evaluatedRunContent } from './evaluation-tables.ts'

const retentionMs = 30 * 86_400_000
const now = { $: 'now' } as const

interface Begun {
  /** Of all that it asks for. */
  readonly hash: string
  readonly runs: readonly string[]
}

export class EvaluationRecord {
  readonly #storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly #key: { readonly user: UserId; readonly evaluation: string }
  readonly #statements: ReturnType<typeof compile>

  constructor(storage: Pick<Storage, 'dialect' | 'read' | 'commit'>, user: UserId, evaluation: string) {
    this.#storage = storage
    this.#key = { user, evaluation }
    this.#statements = compile(storage)
  }

  /**
   * @param choose names the runs, where it is new
   * @returns its runs, and the reports of those that are done
   * @throws ConflictError `evaluation.repeated` where it had asked for something else
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
    await this.#put('', { hash, runs })
    return { runs, done: new Map() }
  }

  add(run: EvaluatedRun): Promise<void> {
    return this.#put(run.run, run)
  }

  async #put(run: string, body: Json): Promise<void> {
    const { user } = this.#key
    const statements = [
      this.#statements.cleanup({ user, before: { $: 'now', plusMs: -retentionMs } }),
      this.#statements.put({ ...this.#key, run, body: JSON.stringify(body), now }),
    ]
    const result = await this.#storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok) throw failure(result.code, { ...result.detail })
  }
}

type EvaluationKey = { user: string; evaluation: string }

function compile({ dialect }: Pick<Storage, 'dialect'>) {
  const compiled = rawTemplates(dialect)
  return {
    all: compiled<EvaluationKey>(
      (p) => sql`select evaluation, run_id, body from evaluated_runs
        where user_id = ${p.user} and evaluation = ${p.evaluation}`,
      evaluatedRunContent,
    ),
    put: compiled<EvaluationKey & { run: string; body: string; now: Bind }>(
      (p) => sql`insert into evaluated_runs (user_id, evaluation, run_id, body, at)
        values (${p.user}, ${p.evaluation}, ${p.run}, ${p.body}, ${p.now}) on conflict do nothing`,
      { body: ['evaluation', 'evaluation', 'run'] },
    ),
    cleanup: compiled<{ user: string; before: Bind }>(
      (p) => sql`delete from evaluated_runs where user_id = ${p.user} and at < ${p.before}`,
    ),
  }
}
