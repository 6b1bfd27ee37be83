/** One past run, run again in a world of its own: begun as it began, with what is to be different, scored as it is. */
import { failure, type Json, type StoredError, storeError, type UserId } from '../../core/index.ts'
import type { Pinned } from '../core/model.ts'
import { PastRun } from '../history/past-run.ts'
import { touchedBy } from '../history/touched.ts'
import { editedAgents } from '../orchestra/edited-agents.ts'
import type { First } from '../orchestra/first.ts'
import type { ForkOptions, ForkSource } from '../orchestra/fork-run.ts'
import { keptRecords } from '../orchestra/kept-records.ts'
import type { OrchestraHost } from '../orchestra/orchestra-host.ts'
import { Run } from '../orchestra/run.ts'
import { type RunResult, revive } from '../orchestra/run-result.ts'
import type { RunRow } from '../orchestra/run-store.ts'
import { prepareRun } from '../orchestra/start-run.ts'
import type { CompiledTopology } from '../topology/define-topology.ts'
import { contextThen, layOut } from './context-then.ts'
import type { OpenWorld } from './evaluation-world.ts'
import { RecordedAnswers } from './recorded-answers.ts'
import { callsOf, RecordedCalls, type UnrecordedCall } from './recorded-calls.ts'
import { type KnownScore, type ScoredRun, scoreAnswer } from './score-answer.ts'

/** What is different; nothing is allowed: it shows how much answers differ by themselves. */
export interface EvaluationChange extends Pick<NonNullable<ForkOptions['edit']>, 'model' | 'prompts'> {
  readonly topology?: CompiledTopology
}

/** Of one side. */
export type RunFigures = {
  readonly quality: number
  readonly steps: number
  /** In and out. */
  readonly tokens: number
  /** US dollars, without models whose price nobody knows. */
  readonly cost: number
  readonly durationMs: number
}

export type EvaluatedRun = {
  readonly run: string
  /** `skipped`: the budget was used up before it began. */
  readonly status: 'scored' | 'failed' | 'skipped'
  readonly original?: RunFigures
  readonly candidate?: RunFigures
  readonly response?: Json
  /** Why it failed. */
  readonly error?: StoredError
  /** Calls that the past run had not made; any of them fails this run. */
  readonly unrecorded: readonly UnrecordedCall[]
  /** Keys of the context that the run may lack: their versions of that time are not kept any more. */
  readonly lost: readonly string[]
  /** What it used, also where it failed. */
  readonly spent: Spent
}
export type Spent = {
  readonly tokens: number
  /** US dollars. */
  readonly cost: number
}
export type Share = Partial<Spent>

export interface EvaluationParts {
  readonly host: OrchestraHost
  readonly user: UserId
  readonly open: OpenWorld
  readonly change: EvaluationChange
  readonly score: KnownScore
  readonly live: boolean
  readonly signal: AbortSignal | undefined
}

/** What is known of it so far, for the report of a failure. */
interface Known {
  unrecorded: readonly UnrecordedCall[]
  lost: readonly string[]
  spent: Spent
}

/** Never rejects, but for its signal: what fails is in the report. */
export async function evaluateRun(parts: EvaluationParts, row: RunRow, share: Share): Promise<EvaluatedRun> {
  const known: Known = { unrecorded: [], lost: [], spent: { tokens: 0, cost: 0 } }
  try {
    return { run: row.run, status: 'scored', ...(await scored(parts, row, share, known)), ...known }
  } catch (error) {
    if (parts.signal?.aborted) throw error
    return { run: row.run, status: 'failed', error: storeError(error), ...known }
  }
}

async function scored(parts: EvaluationParts, row: RunRow, share: Share, known: Known) {
  const { host, user, open, live, signal } = parts
  const past = PastRun.of(row.run, await keptRecords(host.parts, user, row))
  const first = firstOf(parts, await host.source(user, row.run), past, share)
  const then = await contextThen(host.parts, user, row, past)
  known.lost = then.lost
  const calls = await callsOf(host.parts, user, row)
  const recorded = live ? undefined : new RecordedCalls(calls)
  const world = await open(recorded)
  try {
    await layOut(then, world, host.parts, user, first.agents.keys())
    signal?.throwIfAborted()
    // Where the world outside is touched its keys are new, else what is done again would pass for done already.
    const id = live ? host.parts.ids.next() : row.run
    const run = new Run(world.host, user, await world.host.begin(user, { run: id, first }))
    const result = await new RecordedAnswers(past.events).toEnd(run, signal ? { signal } : {})
    known.spent = { tokens: tokensOf(result), cost: result.cost.usd }
    known.unrecorded = recorded?.missing ?? []
    const [missing] = known.unrecorded
    if (missing) throw failure('evaluation.unrecorded', { kind: missing.kind, name: missing.name })
    if (result.status !== 'completed') throw unfinished(row.run, result)
    const before = revive(JSON.parse(row.result ?? 'null') as Json)
    const about = { id: row.run, task: first.task, original: before.response }
    const original = await sideOf(parts.score, { ...about, side: 'original', result: before }, () =>
      sourcesOf(host, user, row),
    )
    const candidate = await sideOf(parts.score, { ...about, side: 'candidate', result }, async () =>
      sourcesOf(world.host, user, await world.host.row(user, id)),
    )
    return { original, candidate, ...(result.response === undefined ? {} : { response: result.response }) }
  } finally {
    await world.close()
  }
}

const tokensOf = ({ usage }: RunResult) => usage.inputTokens + usage.outputTokens

/** What the past run began with, and what is to be different; breakpoints apart. */
function firstOf({ change }: EvaluationParts, source: ForkSource, past: PastRun, share: Share): First {
  const [record] = past.records
  const task = record?.input.type === 'start' ? record.input.task : null
  const { topology, config, agents } = teamOf(change, task, source)
  const edited = editedAgents(agents, change)
  const { debug: _, ...plain } = config
  const least = (name: 'tokens' | 'cost') => {
    const limits = [config.budget[name], share[name]].filter((limit) => limit !== undefined)
    return limits.length === 0 ? {} : { [name]: Math.min(...limits) }
  }
  const budget = { ...config.budget, ...least('tokens'), ...least('cost') }
  const fingerprints = Object.fromEntries([...edited].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology, config: { ...plain, budget }, fingerprints }
  return { task, pinned, tags: [], agents: edited }
}

function teamOf({ topology }: EvaluationChange, task: Json, { pinned, agents }: ForkSource) {
  if (!topology) return { topology: pinned.topology, config: pinned.config, agents }
  const first = prepareRun({ task, topology })
  return { topology: first.pinned.topology, config: first.pinned.config, agents: first.agents }
}

function unfinished(run: string, { status, reason, guard, error }: RunResult): Error {
  if (error) return error
  const why = guard ? `the guard ${guard.name} ended it at ${guard.used} of ${guard.limit}` : reason
  return failure('evaluation.unfinished', { run, status: why === undefined ? status : `${status}, ${why}` })
}

async function sideOf(
  score: KnownScore,
  about: Omit<ScoredRun, 'response' | 'sources'>,
  sources: () => Promise<readonly Json[]>,
): Promise<RunFigures> {
  const { result } = about
  const given = score === 'citations' || typeof score === 'function' ? await sources() : []
  const quality = await scoreAnswer(score, { ...about, response: result.response, sources: [about.task, ...given] })
  const { totalSteps: steps, cost, durationMs } = result
  return { quality, steps, tokens: tokensOf(result), cost: cost.usd, durationMs }
}

/** What a run had read of the context, and what tools and effects had answered it. */
async function sourcesOf({ parts }: OrchestraHost, user: UserId, row: RunRow): Promise<readonly Json[]> {
  const past = PastRun.of(row.run, await keptRecords(parts, user, row))
  const from = { user, past, journals: parts.journals, context: parts.mesh.host(user) }
  const { context } = await touchedBy(from, past.events.length)
  const calls = await callsOf(parts, user, row)
  return [...context.reads, ...calls.map(({ output: value }) => ({ value }))].flatMap(({ value }) =>
    value === undefined ? [] : [value],
  )
}
