/** The runs of one user: start, find, check, replay. */
import { checkName, checkOptions, createPage, failure, type Json, type Page, type UserId } from '../../core/index.ts'
import { checkTopology, type Finding } from '../check/check-topology.ts'
import { type RunConfig, readConfig } from '../core/read-config.ts'
import { defineTopology, type TopologyForm } from '../topology/define-topology.ts'
import { type Comparison, compareRuns } from './compare-runs.ts'
import type { ForkOptions } from './fork-run.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import { type Replay, replay } from './replay.ts'
import { Run } from './run.ts'
import type { NumberedEvent, RunRecord } from './run-event.ts'
import type { RunResult } from './run-result.ts'
import type { StartSpec } from './start-run.ts'
import { type Why, whyRun } from './why-run.ts'

export interface RunSummary {
  readonly id: string
  readonly status: string
  readonly reason?: string
  readonly tags: readonly string[]
  readonly agents: readonly string[]
  /** ISO text. */
  readonly createdAt: string
  readonly endedAt?: string
}

export interface ExportedRun {
  readonly version: 1
  readonly run: string
  readonly status: string
  readonly reason?: string
  readonly tags: readonly string[]
  /** Once it is over, or waits. */
  readonly result?: Json
  /** `{ input, events, first }` each. */
  readonly journal: readonly Json[]
}

export class Orchestra {
  readonly #host: OrchestraHost
  readonly #user: UserId

  constructor(host: OrchestraHost, user: UserId) {
    this.#host = host
    this.#user = user
  }

  /**
   * Starts a run; resolves when it is durable.
   * @throws ValidationError `topology.refused`, with `findings`
   * @example const run = await ada.orchestra.start({ task: 'Plan a trip', topology: patterns.pipeline({ stages }) })
   */
  async start(spec: StartSpec): Promise<Run> {
    return new Run(this.#host, this.#user, await this.#host.start(this.#user, spec))
  }

  /** Starts a run and gives its result. */
  async run(spec: StartSpec): Promise<RunResult> {
    return (await this.start(spec)).result()
  }

  /** @throws NotFoundError for a run that this user doesn't have */
  async get(id: string): Promise<Run> {
    await this.#host.row(this.#user, checkName('run', id))
    return new Run(this.#host, this.#user, id)
  }

  /** The newest first. */
  async list(options: { readonly limit?: number; readonly cursor?: string } = {}): Promise<Page<RunSummary>> {
    checkOptions('orchestra.list', options, ['limit', 'cursor'])
    const limit = Math.min(Math.max(1, options.limit ?? 50), 500)
    const rows = await this.#host.parts.store.list(
      this.#user,
      limit,
      options.cursor === undefined ? undefined : readCursor(options.cursor),
    )
    const last = rows.at(-1)
    const cursor = rows.length === limit && last ? JSON.stringify([last.createdAt, last.run]) : undefined
    const items = rows.map((row) => ({
      id: row.run,
      status: row.status,
      ...(row.reason === null ? {} : { reason: row.reason }),
      tags: row.tags,
      agents: row.agents,
      createdAt: new Date(row.createdAt).toISOString(),
      ...(row.endedAt === null ? {} : { endedAt: new Date(row.endedAt).toISOString() }),
    }))
    return createPage(items, cursor, (next) => this.list({ limit, cursor: next }))
  }

  /** What is wrong with a team, before it runs. */
  async check(topology: TopologyForm, config?: RunConfig): Promise<readonly Finding[]> {
    const compiled = defineTopology(topology)
    const { models } = this.#host.parts.services
    return checkTopology(compiled, readConfig(config, compiled.canonical), models)
  }

  /**
   * Re-runs the decisions of a run on its recorded inputs; no model and no tool is called.
   * @throws NotFoundError
   */
  async replay(id: string): Promise<Replay> {
    await this.#host.row(this.#user, checkName('run', id))
    return replay(await this.#host.allRecords(this.#user, id))
  }

  /**
   * Where two runs part, moments aside: a run and its fork, or two runs of one team.
   * @throws NotFoundError
   * @example const { divergedAt, a, b } = await ada.orchestra.compare(run.id, fork.id)
   */
  async compare(a: string, b: string): Promise<Comparison> {
    return compareRuns(await this.#events(a), await this.#events(b))
  }

  /**
   * All there is to know of a run, as JSON: its result so far, and its journal's inputs with the events decided from them.
   * @throws NotFoundError
   */
  async export(id: string): Promise<ExportedRun> {
    const row = await this.#host.row(this.#user, checkName('run', id))
    const records = await this.#host.allRecords(this.#user, id)
    const { run, status, reason, tags } = row
    const result = row.result === null ? {} : { result: JSON.parse(row.result) as Json }
    const journal = records.map(({ body }) => body as Json)
    return { version: 1, run, status, ...(reason === null ? {} : { reason }), tags, ...result, journal }
  }

  /**
   * What led to how a run stands: the failures and the guard behind its end, or what it waits for.
   * @throws NotFoundError
   */
  async why(id: string): Promise<Why> {
    const { status, reason } = await this.#host.row(this.#user, checkName('run', id))
    return whyRun(await this.#events(id), status, reason)
  }

  async #events(id: string): Promise<readonly NumberedEvent[]> {
    await this.#host.row(this.#user, checkName('run', id))
    const records = await this.#host.allRecords(this.#user, id)
    return records.flatMap(({ body }) => {
      const { events = [], first = 1 } = body as unknown as Partial<RunRecord>
      return events.map((event, i) => ({ ...event, seq: first + i }))
    })
  }

  /**
   * A new run that shares another's history up to one of its events, and goes on from there with what is edited.
   * @param options `at`: the `seq` of the event; `edit`: results by step or agent, answers by question, prompts, a model
   * @throws NotFoundError; ValidationError where `at` is none of its events, or an edit fits nothing;
   * ConflictError `run.agents_missing`
   * @example const run = await ada.orchestra.fork(id, { at: 12, edit: { results: { Researcher: 'Nothing was found.' } } })
   */
  async fork(id: string, options: ForkOptions): Promise<Run> {
    return new Run(this.#host, this.#user, await this.#host.fork(this.#user, checkName('run', id), options))
  }
}

function readCursor(cursor: string): { readonly createdAt: number; readonly run: string } {
  try {
    const [createdAt, run] = JSON.parse(cursor) as [unknown, unknown]
    if (typeof createdAt === 'number' && typeof run === 'string') return { createdAt, run }
  } catch {
    // Falls through to the refusal.
  }
  throw failure('validation.failed', { what: 'The cursor', problem: 'it is not one that list() gave' })
}
