/** The experiments of one user. */
import {
  checkCall,
  checkConstruct,
  checkName,
  checkOptions,
  checkSignal,
  construct,
  createPage,
  decodeCursor,
  encodeCursor,
  failure,
  fieldOf,
  isInStep,
  type Page,
  type UserId,
} from '../../../core/index.ts'
import { checkInteger } from '../../../resilience/index.ts'
import { acting } from '../../../security/index.ts'
import type { OrchestraHost } from '../../engine/orchestra-host.ts'
import { noteRunTaint } from '../../engine/store/note-run-taint.ts'
import { OnlineScoreStore, type OnlineScores } from '../online/online-score-store.ts'
import { readScoreHistory, type ScoreHistoryOptions, type ScoreInterval } from '../online/read-score-history.ts'
import { evaluateDataset } from './evaluate-dataset.ts'
import type { CaseResult, Experiment, ExperimentSummary } from './experiment.ts'
import type { ExperimentSpec } from './experiment-options.ts'
import { type ExperimentPosition, ExperimentStore } from './experiment-store.ts'
import { experimentTotals } from './experiment-totals.ts'

/** The options of `experiments.list`. */
export interface ExperimentListOptions {
  /** The number of experiments of a page, from 1, at most 500; 50 by default. */
  readonly limit?: number
  /** The cursor of the previous page. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** The experiments of one user: evaluates teams on data sets and lists the results. `user.experiments` returns it. */
export class Experiments {
  readonly #host: OrchestraHost
  readonly #user: UserId

  private constructor(key: typeof construct, host: OrchestraHost, user: UserId) {
    checkConstruct(key, 'Experiments', 'user.experiments')
    this.#host = host
    this.#user = user
  }

  static [construct](host: OrchestraHost, user: UserId): Experiments {
    return new Experiments(construct, host, user)
  }

  /**
   * Evaluates a team on the cases of a data set, and with `against` a second team on the same cases. Each case is a
   * durable run of the user, which executes tools and effects. Results are stored: after a crash or an abort, the same
   * call continues with the remaining cases.
   * @returns the results, case by case and in sum. A case whose run fails scores 0; one whose scorer fails is
   * `unscored`, and the same call scores it again. A case that does not fit into `budget` is `skipped`; a call with the
   * id of the experiment and a larger budget executes it
   * @throws ValidationError; NotFoundError `team.unknown`; ConflictError `experiment.repeated` if the id is that
   * of another experiment; CancelledError when the signal aborts
   * @example
   * const dataset = parseDataset('capitals', await readFile('capitals.jsonl', 'utf8'))
   * const { total } = await ada.experiments.evaluate({
   *   dataset, team: 'research', against: { agent: 'Clerk' }, scorers: { exactMatch },
   * })
   * console.log(total.candidate.quality, total.against?.quality, total.difference?.quality)
   */
  evaluate(spec: ExperimentSpec): Promise<Experiment> {
    const { audit } = this.#host.parts.reporting
    const work = () => evaluateDataset(this.#host, this.#user, spec)
    const id = fieldOf(spec, 'id')
    const entry = { operation: 'run.evaluate', user: this.#user, ...(typeof id === 'string' ? { resource: id } : {}) }
    return audit ? acting(audit, entry, work) : work()
  }

  /**
   * Lists experiments, the newest first.
   * @throws ValidationError `cursor.invalid`
   * @example for (const { id, total } of (await ada.experiments.list()).items) console.log(id, total?.candidate.quality)
   */
  async list(options: ExperimentListOptions = {}): Promise<Page<ExperimentSummary>> {
    checkOptions('experiments.list', options, ['limit', 'cursor', 'signal'])
    checkSignal('experiments.list', options.signal)
    const limit = Math.min(checkInteger('experiments.list', 'limit', options.limit ?? 50), 500)
    const after = options.cursor === undefined ? undefined : positionOf(options.cursor)
    // One more row says whether another page follows.
    const rows = await this.#store.list(limit + 1, after)
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    const next = last && encodeCursor(`${last.at} ${last.id}`)
    const items = shown.map(({ experiment: { hash: _, ...summary } }) => summary)
    return createPage(items, next, (cursor) => this.list({ limit, cursor }))
  }

  /**
   * Returns an experiment with its results so far, by the ids of the cases.
   * @param options.signal rejects the call with CancelledError if it has aborted before the call starts
   * @throws NotFoundError `experiment.unknown`
   */
  async get(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<Experiment> {
    checkCall('experiments.get', options)
    const found = await this.#store.get(checkName('evaluation', id))
    if (!found) throw failure('experiment.unknown', { experiment: id })
    const { hash: _, ...experiment } = found.experiment
    const results = found.results.toSorted(byCase)
    // Verdicts and errors may quote the runs.
    if (isInStep()) for (const { run } of results) await noteRunTaint(this.#host.parts, this.#user, run)
    const { scorers, against } = experiment
    const total =
      experiment.total ?? experimentTotals(results, { scorers, cases: [], hasAgainst: against !== undefined })
    return { ...experiment, total, results }
  }

  /**
   * Returns the scores of a live run, which `createTroupe({ evaluation: { online } })` scores; undefined if the run
   * was not scored, or not yet.
   * @param options.signal rejects the call with CancelledError if it has aborted before the call starts
   * @example console.log((await ada.experiments.scoresOf(run.id))?.scores.cites?.score)
   */
  async scoresOf(run: string, options: { readonly signal?: AbortSignal } = {}): Promise<OnlineScores | undefined> {
    checkCall('experiments.scoresOf', options)
    return new OnlineScoreStore(this.#host.parts.stores.storage).get(this.#user, checkName('run', run))
  }

  /**
   * Returns the scores of live runs over time: per hour or day, scorer and team, the oldest first. Runs that retention has
   * deleted are not included.
   * @param options `from`, `to`: ISO text, the last 24 hours by default; `interval`: `hour` by default, or `day`
   * @throws ValidationError for more than 1,000 intervals or 10,000 values
   * @example for (const { at, scorer, mean } of await ada.experiments.scores()) console.log(at, scorer, mean)
   */
  async scores(options: ScoreHistoryOptions = {}): Promise<readonly ScoreInterval[]> {
    const { stores, platform } = this.#host.parts
    return readScoreHistory(stores.storage, this.#user, options, platform.clock.now())
  }

  get #store(): ExperimentStore {
    return new ExperimentStore(this.#host.parts.stores.storage, this.#user)
  }
}

const byCase = (a: CaseResult, b: CaseResult): number =>
  a.case.localeCompare(b.case, 'en', { numeric: true }) || b.side.localeCompare(a.side)

/** @throws ValidationError `cursor.invalid` */
function positionOf(cursor: string): ExperimentPosition {
  const [, at, id] = /^(\d{1,16}) (.*)$/s.exec(decodeCursor(cursor)) ?? []
  if (at === undefined || id === undefined) throw failure('cursor.invalid')
  return { at: Number(at), id }
}
