/**
 * Scores a share of the live runs as they complete, in the process that carried them. It is best effort: a run that
 * completes shortly before the process ends, or while too many wait, is not scored.
 */
import { type EventFields, hashText, reportCallback, TroupeError, type UserId } from '../../../core/index.ts'
import { parentOf } from '../../engine/children/parent.ts'
import type { OrchestraHost } from '../../engine/orchestra-host.ts'
import { revive } from '../../engine/run-result.ts'
import { readAccount } from '../../engine/store/account-text.ts'
import { readRetainedRecords } from '../../engine/store/retained-records.ts'
import { PastRun } from '../../history/past-run.ts'
import { createScorer, type Score, scoreAnswer } from '../score-answer.ts'
import { createScoreContext } from '../scorers/create-score-context.ts'
import { type NamedScores, needsSources, type ScoredRun, type Verdict } from '../scorers/score-function.ts'
import { sourcesOf } from '../sources-of.ts'
import { OnlineScoreStore } from './online-score-store.ts'

/** The option `evaluation.online` of `createTroupe`: scores a share of the runs that complete. */
export interface OnlineScoringOptions {
  /** The share of the completed runs that is scored, selected by the id of the run: 0.1 for one in ten. */
  readonly share: number
  /** The scorers by their names. A scorer that needs an expected answer is rejected. */
  readonly scorers: Readonly<Record<string, Score>>
}

const maxConcurrent = 2
/** The highest number of runs that wait to be scored; further runs are not scored. */
const maxWaiting = 1_000

interface WaitingRun {
  readonly user: UserId
  readonly run: string
}

export class OnlineScoring {
  readonly #host: OrchestraHost
  readonly #share: number
  readonly #scorers: NamedScores
  readonly #store: OnlineScoreStore
  readonly #waiting: WaitingRun[] = []
  readonly #working = new Set<Promise<void>>()
  readonly #stopped = new AbortController()
  readonly #unsubscribe: () => void

  constructor(host: OrchestraHost, { share, scorers }: OnlineScoringOptions) {
    const { parts } = host
    this.#host = host
    this.#share = share
    this.#scorers = Object.fromEntries(
      Object.entries(scorers).map(([name, score]) => [name, createScorer(score, parts.settings.scores)]),
    )
    this.#store = new OnlineScoreStore(parts.stores.storage)
    this.#unsubscribe = parts.agents.services.platform.events.on('run.completed', (event) => this.#onCompleted(event))
  }

  /** Scores no more runs; resolves when those in progress have ended. */
  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#waiting.length = 0
    this.#stopped.abort()
    await Promise.all(this.#working)
  }

  #onCompleted({ userId: user, runId: run }: EventFields): void {
    if (typeof user !== 'string' || typeof run !== 'string' || !isSampled(user, run, this.#share)) return
    if (this.#waiting.length >= maxWaiting) {
      this.#host.parts.reporting.log.warn('a run is not scored: too many runs wait to be scored', {
        runId: run,
        userId: user,
      })
      return
    }
    this.#waiting.push({ user, run })
    if (this.#working.size < maxConcurrent) {
      const work = this.#work().finally(() => this.#working.delete(work))
      this.#working.add(work)
    }
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift())
      try {
        await this.#score(next)
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        if (isErased(error)) continue
        const about = { callback: 'evaluation', name: next.run, userId: next.user } as const
        reportCallback(this.#host.parts.platform, about, error)
      }
  }

  async #score({ user, run: id }: WaitingRun): Promise<void> {
    const { parts } = this.#host
    const row = await this.#host.row(user, id)
    // The runs of an experiment are scored by the experiment.
    if (row.tags.some((tag) => tag.startsWith('experiment:'))) return
    const past = PastRun.of(id, await readRetainedRecords(parts, user, row))
    const [record] = past.records
    // A child run is a part of its parent. A fork of a run begins with the task of that run.
    if (record?.input.type !== 'start' || parentOf(record.input.pinned) !== undefined) return
    const { task } = record.input
    const result = revive(id, await readAccount(row.result as string, parts.platform.clock))
    const isSourced = Object.values(this.#scorers).some(needsSources)
    const sources = isSourced ? [task, ...(await sourcesOf(this.#host, user, row))] : [task]
    const known = { original: undefined, expected: undefined, sources }
    const run: ScoredRun = { id, side: 'candidate', task, response: result.response, result, ...known }
    const context = createScoreContext(parts.agents.services.external.models, user, this.#stopped.signal)
    const scores: Record<string, Verdict> = {}
    for (const named of Object.entries(this.#scorers)) scores[named[0]] = await scoreAnswer(named, run, context)
    const at = parts.platform.clock.now()
    await this.#store.add(user, row.team, {
      run: id,
      scores,
      scoring: context.spent,
      scoredAt: new Date(at).toISOString(),
    })
    for (const [scorer, { score }] of Object.entries(scores))
      parts.agents.services.platform.events.emit({
        type: 'evaluation.scored',
        at,
        userId: user,
        runId: id,
        scorer,
        score,
      })
  }
}

/** Returns true if the run or its user was erased meanwhile, which is no failure of the scorer. */
const isErased = (error: unknown): boolean =>
  error instanceof TroupeError && (error.code === 'run.unknown' || error.code === 'user.forgotten')

/** The same in each process, and evenly spread over ids. */
const isSampled = (user: UserId, run: string, share: number): boolean =>
  Number.parseInt(hashText(JSON.stringify([user, run])).slice(0, 12), 16) / 2 ** 48 < share
