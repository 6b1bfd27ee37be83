/** The runs of one user: start, list, check, replay, fork, explain and undo. */
import type { Agent } from '../../agents/index.ts'
import {
  type AsJson,
  checkCall,
  checkConstruct,
  checkName,
  checkOptions,
  checkSignal,
  checkText,
  construct,
  failure,
  fieldOf,
  isObject,
  type Page,
  readable,
  signalOf,
  TimeSlice,
  TroupeError,
  type UserId,
} from '../../core/index.ts'
import { type AuditEntry, acting } from '../../security/index.ts'
import {
  checkModelKeys,
  checkTopology,
  type Finding,
  type RunConfig,
  readConfig,
  type TopologyForm,
} from '../../topology/index.ts'
import { type EvaluateOptions, type Evaluation, evaluate } from '../evaluation/evaluate.ts'
import type { OpenEvaluationTroupe } from '../evaluation/evaluation-troupe.ts'
import type { ReplayResult } from '../history/compare-replay.ts'
import { type Comparison, compareRuns } from '../history/compare-runs.ts'
import { type DataAccess, dataAccessOf, withMessageStates } from '../history/data-access.ts'
import type { RunExplanation } from '../history/explain/explain.ts'
import { explainExpired, explainStored } from '../history/explain/explain-stored.ts'
import { type ExportedRun, type ExportOptions, exportRun } from '../history/export-run.ts'
import { PastRun } from '../history/past-run.ts'
import { type RunStateAt, runStateAt } from '../history/run-state-at.ts'
import { type SentPrompt, sentPrompts } from '../history/steps/sent-prompts.ts'
import { type RunUndoResult, readUndo, type UndoOptions, undoRun } from '../history/undo-run.ts'
import { type ForkOptions, readFork } from './forks/fork-options.ts'
import { type ForkPlan, planFork } from './forks/plan-fork.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import { recordRead } from './record-read.ts'
import { Run } from './run.ts'
import type { RunResult } from './run-result.ts'
import type { TeamReference } from './starts/resolve-team.ts'
import type { StartSpec } from './starts/start-run.ts'
import { listRunSummaries, type RunListOptions, type RunSummary } from './store/list-run-summaries.ts'
import { noteRunTaint } from './store/note-run-taint.ts'
import { readRetainedRecords, retentionTimesOf } from './store/retained-records.ts'
import {
  readUsageGroups,
  type UsageGroup,
  type UsageGrouping,
  type UsageGroupOptions,
} from './store/usage/read-usage-groups.ts'
import { readUsageHistory, type UsageHistoryOptions, type UsageInterval } from './store/usage/read-usage-history.ts'
import { deleteThread } from './threads/delete-thread.ts'
import {
  listThreads,
  readThread,
  type ThreadListOptions,
  type ThreadOptions,
  type ThreadSummary,
  type ThreadView,
} from './threads/read-threads.ts'

/** The options of a call that only reads. */
export interface RunQueryOptions {
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}
/** The type of the response of a team's run: the JSON form of what its definitions declare; any JSON if they declare none. */
export type ResponseOf<Out> = AsJson<Out>

/** The state of a run at one of its events. */
export type RunView = RunStateAt & DataAccess

/**
 * The runs of one user: starts, lists, checks, replays, forks, explains and undoes them. `user.orchestra` returns it.
 */
export class Orchestra {
  readonly #host: OrchestraHost
  readonly #user: UserId
  readonly #openEvaluationTroupe: OpenEvaluationTroupe

  private constructor(
    key: typeof construct,
    host: OrchestraHost,
    user: UserId,
    openEvaluationTroupe: OpenEvaluationTroupe,
  ) {
    checkConstruct(key, 'Orchestra', 'user.orchestra')
    this.#host = host
    this.#user = user
    this.#openEvaluationTroupe = openEvaluationTroupe
  }

  static [construct](host: OrchestraHost, user: UserId, openEvaluationTroupe: OpenEvaluationTroupe): Orchestra {
    return new Orchestra(construct, host, user, openEvaluationTroupe)
  }

  /**
   * Starts a run and resolves when it is durable. The team is exactly one of `team` (a registered name), `agent` (a single
   * agent) and `topology`.
   * @throws ValidationError `topology.rejected` with `findings`, and for several teams or none; NotFoundError
   * `team.unknown` with the nearest name
   * @example const run = await ada.orchestra.start({ task: 'Plan a trip', team: 'travel' })
   */
  async start<Out = unknown>(spec: StartSpec<Out>): Promise<Run<ResponseOf<Out>>> {
    return Run[construct](this.#host, this.#user, await this.#host.start(this.#user, spec))
  }

  /**
   * Starts a run and resolves with its result, also if the run fails: `status: 'failed'` and `error`. A run that waits for a
   * person resolves too: `get(result.runId)` returns it.
   * @throws CancelledError when the signal aborts. The run is cancelled first, since its caller is gone.
   */
  async run<Out = unknown>(spec: StartSpec<Out>): Promise<RunResult<ResponseOf<Out>>> {
    const signal = signalOf('orchestra.run', spec)
    const run = await this.start(spec)
    try {
      return await run.result(signal ? { signal } : {})
    } catch (error) {
      if (!signal?.aborted) throw error
      await run.cancel().catch(() => Promise.reject(error))
      throw failure('cancelled', { what: `The run ${run.id}` }, { cause: signal.reason })
    }
  }

  /** Returns the handle of a run. @throws NotFoundError for a run that this user does not have */
  async get(id: string, options: RunQueryOptions = {}): Promise<Run> {
    checkCall('orchestra.get', options)
    await this.#host.row(this.#user, checkName('run', id))
    return Run[construct](this.#host, this.#user, id)
  }

  /**
   * Lists the runs that match all given filters, the newest first unless `order` names another order.
   * @throws ValidationError for an unknown filter, with the nearest name
   * @example const failed = await ada.orchestra.list({ status: 'failed', tags: ['nightly'], from: '2026-03-01' })
   */
  async list(options: RunListOptions = {}): Promise<Page<RunSummary>> {
    return listRunSummaries(this.#host.parts, this.#user, options)
  }

  /**
   * Lists the threads of the user, the newest message first: those of runs that were started with a `threadId`, and of
   * sessions. Each is held with one agent or team.
   * @throws ValidationError `cursor.invalid`
   * @example for await (const { threadId, title, agent } of await ada.orchestra.threads()) console.log(threadId, agent, title)
   */
  async threads(options: ThreadListOptions = {}): Promise<Page<ThreadSummary>> {
    return listThreads(this.#host.parts, this.#user, options)
  }

  /**
   * Returns a thread with its messages and its runs.
   * @param options `name`: the agent or team, if several have a thread with this id
   * @throws NotFoundError `thread.unknown`
   * @example const { messages } = await ada.orchestra.thread('orders')
   */
  async thread(threadId: string, options: ThreadOptions = {}): Promise<ThreadView> {
    return readThread(this.#host.parts, this.#user, threadId, options)
  }

  /**
   * Deletes a thread: its messages, summaries, facts, working memory and files. Its runs are deleted by their retention.
   * @param options `name`: the agent or team, if several have a thread with this id
   * @throws NotFoundError `thread.unknown`; ConflictError `thread.busy` while a run or a session is in it
   */
  async deleteThread(threadId: string, options: ThreadOptions = {}): Promise<void> {
    return deleteThread(this.#host.parts, this.#user, threadId, options)
  }

  /**
   * Returns the usage of the runs per hour or day and team, the oldest first: runs, failures, tokens, cost and durations.
   * Runs that retention has deleted are not included.
   * @param options `from`, `to`: ISO text, the last 24 hours by default; `interval`: `hour` by default, or `day`
   * @throws ValidationError for more than 1,000 intervals
   * @example const days = await ada.orchestra.usage({ from: '2026-03-01', to: '2026-04-01', interval: 'day' })
   */
  async usage(options: UsageHistoryOptions = {}): Promise<readonly UsageInterval[]> {
    const { stores, platform } = this.#host.parts
    return readUsageHistory(stores.storage, this.#user, options, platform.clock.now())
  }

  /**
   * Returns the usage of the user's runs by team, model or user, the most expensive first, without runs that retention has
   * deleted. Runs in progress count as of at most ten seconds before.
   * @param options `from`, `to`: ISO text, the last 30 days by default; `limit`: the number of groups
   * @throws ValidationError
   * @example for (const { name, cost } of await ada.orchestra.usageBy('model')) console.log(name ?? 'unknown', cost)
   */
  async usageBy(by: UsageGrouping, options: UsageGroupOptions = {}): Promise<readonly UsageGroup[]> {
    const { stores, platform } = this.#host.parts
    return readUsageGroups(stores.storage, this.#user, by, options, platform.clock.now())
  }

  /**
   * Checks a team before it runs and returns its findings.
   * @param team the name of a registered team or agent, an agent, or a topology
   * @throws NotFoundError `team.unknown`; ValidationError `topology.invalid`
   */
  async check(
    team: string | Agent | TopologyForm,
    config?: RunConfig,
    options: RunQueryOptions = {},
  ): Promise<readonly Finding[]> {
    checkCall('orchestra.check', options)
    const { parts } = this.#host
    const compiled = parts.agents.resolveTeam(referenceTo(team), 'orchestra.check')
    const findings = checkTopology(
      compiled,
      readConfig(config, compiled.canonical, parts.settings.limits),
      parts.agents.checkContext,
    )
    return [...findings, ...(await checkModelKeys(compiled, parts.agents.services.external.models))]
  }

  /**
   * Repeats the decisions of a run on its recorded inputs and compares them. No model and no tool is called.
   * @throws NotFoundError `run.unknown`; `replay.expired` after `replayableUntil`, when the result alone remains
   */
  async verifyReplay(id: string, options: RunQueryOptions = {}): Promise<ReplayResult> {
    checkCall('orchestra.verifyReplay', options)
    const past = await this.#past(id)
    return new TimeSlice(this.#host.parts.platform.clock).finish(past.verifyReplayInParts())
  }

  /**
   * Returns the first difference of two runs apart from times: of a run and its fork, or of two runs of one team.
   * @throws NotFoundError
   * @example const { divergedAt, a, b } = await ada.orchestra.compare(run.id, fork.id)
   */
  async compare(a: string, b: string, options: RunQueryOptions = {}): Promise<Comparison> {
    checkCall('orchestra.compare', options)
    return compareRuns((await this.#past(a)).events, (await this.#past(b)).events)
  }

  /**
   * Returns the state of a run at one of its events: branches, joins, questions, usage, the context entries that it had read
   * and written, and the messages that it had sent and received.
   * @throws NotFoundError; ValidationError for an unknown `seq`
   * @example const { branches, context } = await ada.orchestra.at(run.id, 12)
   */
  async at(id: string, seq: number, options: RunQueryOptions = {}): Promise<RunView> {
    checkCall('orchestra.at', options)
    const past = await this.#past(id)
    const { journals } = this.#host.parts.journal
    const { mesh, mailboxes } = this.#host.parts.agents
    const view = runStateAt(past, seq)
    const context = mesh.host(this.#user)
    const access = await dataAccessOf({ user: this.#user, past, journals, context }, seq)
    const sent = await withMessageStates(mailboxes, this.#user, access.messages.sent, view.event.at)
    return { ...view, ...access, messages: { ...access.messages, sent } }
  }

  /**
   * Exports a run as one file: its result so far, and the inputs and events of its journal. `openExport` opens the file
   * in any process.
   * @param options `redact`: `secrets` (texts that look like credentials), `content` (all texts) or `nothing`; `key`:
   * signs it
   * @throws NotFoundError; ValidationError `export.unredactable`
   * @example await writeFile('run.json', JSON.stringify(await ada.orchestra.export(run.id)))
   */
  async export(id: string, options: ExportOptions & RunQueryOptions = {}): Promise<ExportedRun> {
    checkOptions('orchestra.export', options, ['redact', 'key', 'signal'])
    const { signal, ...how } = options
    checkSignal('orchestra.export', signal)
    if (how.key !== undefined) checkText('The option key of orchestra.export', how.key)
    const row = await this.#host.row(this.#user, checkName('run', id))
    const { build } = this.#host.parts.settings
    const { redact: known } = this.#host.parts.reporting
    return exportRun(await this.#past(id, 'run.export'), row, { ...how, build, known })
  }

  /**
   * Explains the state of a run in plain sentences: what it waits for, why it failed, its cost, its path, slow steps, a
   * tripped guard, takeovers, and its owner. If its journal is deleted, the explanation uses the data that remains.
   * @throws NotFoundError
   * @example for (const { about, text } of (await ada.orchestra.why(run.id)).sentences) console.log(about, text)
   */
  async why(id: string, options: RunQueryOptions = {}): Promise<RunExplanation> {
    checkCall('orchestra.why', options)
    const { parts } = this.#host
    const row = await this.#host.row(this.#user, checkName('run', id))
    const past = await this.#past(id).catch((error: unknown) => {
      if (error instanceof TroupeError && error.code === 'replay.expired') return undefined
      throw error
    })
    return past ? explainStored(parts, this.#user, row, past) : explainExpired(row, retentionTimesOf(parts, row))
  }

  /** Records an operation of several changes when it starts. */
  #recorded<Out>(auditEntry: Pick<AuditEntry, 'operation' | 'resource'>, work: () => Promise<Out>): Promise<Out> {
    const { audit } = this.#host.parts.reporting
    return audit ? acting(audit, { ...auditEntry, user: this.#user }, work) : work()
  }

  async #past(id: string, operation: 'read.run' | 'run.export' = 'read.run'): Promise<PastRun> {
    const row = await this.#host.row(this.#user, checkName('run', id))
    recordRead(this.#host.parts, this.#user, id, operation)
    await noteRunTaint(this.#host.parts, this.#user, id)
    return PastRun.of(id, await readRetainedRecords(this.#host.parts, this.#user, row))
  }

  /**
   * Returns the prompts of the model calls of a step. The code of the step is executed once more on its record, which calls
   * no model and no tool.
   * @throws NotFoundError; ConflictError `run.agents_missing`, or `code.changed` if the present code sends other prompts
   * @example for (const { name, prompt } of await ada.orchestra.prompts(run.id, '1#1')) console.log(name, prompt)
   */
  async prompts(id: string, step: string): Promise<readonly SentPrompt[]> {
    await this.#host.row(this.#user, checkName('run', id))
    recordRead(this.#host.parts, this.#user, id)
    await noteRunTaint(this.#host.parts, this.#user, id)
    checkText('The step of orchestra.prompts', step)
    return sentPrompts(this.#host.parts, this.#user, await this.#host.source(this.#user, id), step)
  }

  /**
   * Undoes the effects of an ended run: its steps in reverse order, each effect whose tool or code has an `undo` function,
   * also in the bodies of tools. An error stops the undo; called again, it continues there and repeats no undo. Effects of
   * child runs are undone at the step that started them.
   * @param options `steps`: undoes only these steps; `plan: true`: undoes nothing and returns what an undo would do
   * @returns the effects, the last first: `undone` (`planned` in a plan), `already`, `none` (no undo), `failed` or `skipped`
   * @throws ConflictError `run.open` before the run has ended, `run.agents_missing`, `code.changed`, `troupe.restored`; NotFoundError
   * @example for (const { effect, status } of await ada.orchestra.undo(run.id)) console.log(effect, status)
   */
  async undo(id: string, options: UndoOptions = {}): Promise<readonly RunUndoResult[]> {
    const captured = readUndo(options)
    const { endedAt, status } = await this.#host.row(this.#user, checkName('run', id))
    if (endedAt === null) throw failure('run.open', { run: id, status })
    const source = (run: string) => this.#host.source(this.#user, run)
    const { parts } = this.#host
    const undo = async () => undoRun(parts, this.#user, await source(id), captured, source)
    if (!captured.plan) {
      this.#host.requireNew(this.#user, 'Undoing a run')
      return this.#recorded({ operation: 'run.undo', resource: id }, undo)
    }
    recordRead(parts, this.#user, id)
    await noteRunTaint(parts, this.#user, id)
    return undo()
  }

  /**
   * Returns a new run that shares the history of another run up to one of its events, and continues with the edits.
   * @param options `at`: the `seq` of the event; `edit`: results by step or agent, answers by question, prompts, a model
   * @throws NotFoundError; ValidationError for an unknown `at` or edit;
   * ConflictError `run.agents_missing`
   * @example const run = await ada.orchestra.fork(id, { at: 12, edit: { results: { Researcher: 'Nothing was found.' } } })
   */
  async fork(id: string, options: ForkOptions): Promise<Run> {
    return Run[construct](this.#host, this.#user, checkName('run', id)).fork(options)
  }

  /**
   * Returns what a fork would share, pay, repeat and ask, from the records of the run. It starts nothing.
   * @param options `at` and `edit`, as `fork` takes them
   * @throws NotFoundError; ValidationError for an unknown `at`, or for a result or an answer that nothing takes;
   * ConflictError `effect.reverted`, as `fork`
   * @example const { paid, repeated } = await ada.orchestra.planFork(run.id, { at: 12 })
   */
  async planFork(id: string, options: Pick<ForkOptions, 'at' | 'edit'>): Promise<ForkPlan> {
    const read = readFork(options)
    const source = await this.#host.source(this.#user, checkName('run', id))
    recordRead(this.#host.parts, this.#user, id)
    return planFork(this.#host.parts, this.#user, source, read)
  }

  /**
   * Executes past runs again with another model, other prompts or another team, and compares quality, steps, cost and
   * time. Each runs in its own troupe in memory, with the context at the start of the past run. Calls of tools and
   * effects are answered from the past run. No data of the user changes.
   * @param options `score`: `exact`, `citations`, `{ schema }` or a function; `live`: executes tools; `budget` and
   * `concurrency` of all runs together; `onProgress`: called after each run
   * @returns the result of each run, and the total; a run that fails, or makes a call that is not recorded, fails alone
   * @throws ValidationError; NotFoundError `run.unknown`; ConflictError `run.open`; CancelledError when the signal
   * aborts
   * @example
   * const { total } = await ada.orchestra.evaluate({ runs: { tags: ['nightly'] }, change: { model: 'openai/gpt-5-mini' }, score: 'exact' })
   */
  evaluate(options: EvaluateOptions): Promise<Evaluation> {
    const work = () => evaluate(this.#host, this.#user, this.#openEvaluationTroupe, options)
    const id = fieldOf(options, 'id')
    return this.#recorded({ operation: 'evaluation.start', ...(typeof id === 'string' ? { resource: id } : {}) }, work)
  }
}

const referenceTo = (team: string | Agent | TopologyForm): TeamReference => {
  if (typeof team === 'string') return { team }
  return isObject(team) && readable('The team', () => 'step' in team)
    ? { agent: team as unknown as Agent }
    : { topology: team as TopologyForm }
}
