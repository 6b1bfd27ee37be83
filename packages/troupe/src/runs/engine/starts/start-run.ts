/** Starts a run: checks the team, records its dependencies, and commits its journal, rows and first steps at once. */
import {
  canonicalJson,
  checkName,
  checkOptions,
  checkSignal,
  checkTags,
  checkTaint,
  encodeJson,
  failure,
  type Json,
  joinTaint,
  type TaintLabel,
  taintField,
  type UserId,
} from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import {
  type CheckContext,
  type CompiledTopology,
  checkTopology,
  type Finding,
  type RunConfig,
  type RunLimits,
  readConfig,
} from '../../../topology/index.ts'
import type { Event, Input, Pinned } from '../../machine/machine-events.ts'
import { createState } from '../../machine/state.ts'
import { transition } from '../../machine/transition.ts'
import { withStarter } from '../agent-steps.ts'
import { joinBudgets } from '../budgets/join-budgets.ts'
import { notifyParent } from '../children/notify-related-runs.ts'
import { parentOf } from '../children/parent.ts'
import { RunOwner } from '../execution/run-owner.ts'
import { StepLauncher } from '../execution/steps/step-launcher.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { OwnedRun } from '../ownership/run-ownership.ts'
import { runJournal } from '../store/run-journals.ts'
import { encodeRecord, readRecord } from '../store/run-record.ts'
import type { TeamReference } from './resolve-team.ts'
import type { RunSpec } from './run-spec.ts'

export interface RunOptions {
  /** Starting again with the id of a run that exists, and what it was started with, gives that run; one that was left goes
   * on with the code given. */
  readonly id?: string
  readonly task: unknown
  /** The taint labels of the task: `untrusted:mail` for text of a stranger, `sensitive:payroll` for secret data. */
  readonly taint?: readonly TaintLabel[]
  readonly config?: RunConfig
  readonly tags?: readonly string[]
  /** Aborts `start` before the run is durable, so that no run starts. `run` cancels its run. */
  readonly signal?: AbortSignal
}

/** A run to start, with its team: exactly one of `team`, `agent` and `topology`. */
export type StartSpec<Out = unknown> = RunOptions & TeamReference<Out>

export interface Created extends OwnedRun {
  readonly events: readonly Event[]
}

/** A run that may begin. */
export interface NewRun {
  readonly run: string
  readonly spec: RunSpec
}

/**
 * @throws ValidationError `topology.rejected`, with all findings on `error.findings`, `budget.ceiling`, and for several teams
 * or none; NotFoundError `team.unknown`
 */
export function readStart(
  parts: Pick<OrchestraParts, 'ids' | 'roles' | 'services' | 'resolveTeam' | 'limits'>,
  spec: StartSpec,
  as?: string,
): NewRun {
  const names = ['id', 'task', 'taint', 'team', 'agent', 'topology', 'config', 'tags', 'signal']
  checkOptions('orchestra.start', spec, names)
  checkSignal('orchestra.start', spec.signal)
  const run = spec.id === undefined ? parts.ids.next() : checkName('run', spec.id)
  const topology = parts.resolveTeam(spec, 'orchestra.start')
  const prepared = prepareRun({ ...spec, topology }, checkContextOf(parts), parts.limits)
  const pinned = as === undefined ? prepared.pinned : withStarter(prepared.pinned, as)
  return { run, spec: { ...prepared, pinned, taint: joinTaint(prepared.taint, parts.services.guard.people) } }
}

/** What a team is checked against here. */
export const checkContextOf = ({ roles, services }: Pick<OrchestraParts, 'roles' | 'services'>): CheckContext => ({
  models: services.models,
  rules: services.guard.rules,
  ...(roles ? { roles } : {}),
})

/**
 * Returns undefined where the run was there already, started with the same.
 * @param also goes before it in one change, and only where the run is new
 * @throws ConflictError `run.repeated`; with `also` what it expects, and `run.exists`
 */
export async function startRun(
  parts: OrchestraParts,
  user: UserId,
  { run, spec }: NewRun,
  also?: readonly Statement[],
): Promise<Created | undefined> {
  const { statements: own, ...created } = createRun(parts, user, run, spec)
  const statements = also ? [...also, ...own] : own
  const result = await parts.storage.commit({ id: null, scope: { user }, statements, wake: ['timers'] })
  if (!result.ok && (result.code !== 'run.exists' || also)) throw failure(result.code, { run, ...result.detail })
  if (result.ok) return created
  await checkSame(parts, user, run, spec)
  return undefined
}

/**
 * The run that is there began with the same, as far as its journal is kept. Its agents' code may be another by now.
 * @throws ConflictError `run.repeated`
 */
async function checkSame({ journals }: OrchestraParts, user: UserId, run: string, spec: RunSpec): Promise<void> {
  const [record] = await journals.read(user, runJournal(run), 0, 1)
  const input = record && readRecord(record.body).input
  if (input?.type !== 'start') return
  const same = (a: unknown, b: unknown) => canonicalJson(a as Json) === canonicalJson(b as Json)
  const { topology, config } = input.pinned
  if (!same(input.task, spec.task)) throw failure('run.repeated', { run, what: 'task' })
  if (!same(topology, spec.pinned.topology)) throw failure('run.repeated', { run, what: 'topology' })
  if (!same(config, spec.pinned.config)) throw failure('run.repeated', { run, what: 'config' })
}

/**
 * @param around left out for what a step starts: entered again in another process, it must be told the same
 * @param limits the ceilings of the troupe; left out for what a step starts, which the run above bounds
 * @throws ValidationError `topology.rejected`, with all findings on `error.findings`; `budget.ceiling`
 */
export function prepareRun(
  { topology, ...spec }: Omit<RunOptions, 'id' | 'signal'> & { readonly topology: CompiledTopology },
  around?: CheckContext,
  limits?: RunLimits,
): RunSpec {
  const config = readConfig(spec.config, topology.canonical, limits)
  rejectFindings(checkTopology(topology, config, around))
  const task = JSON.parse(encodeJson(spec.task ?? null, 'The task')) as Json
  const fingerprints = Object.fromEntries([...topology.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology: topology.canonical, config, fingerprints }
  const taint = checkTaint(spec.taint, 'The task')
  return { task, taint, pinned, tags: checkTags('The tags of a run', spec.tags ?? []), agents: topology.agents }
}

/** The rows of a new run: its journal's first record, and all that follows from it. */
export function createRun(
  parts: OrchestraParts,
  user: UserId,
  run: string,
  spec: RunSpec,
): Created & { readonly statements: readonly Statement[] } {
  const launcher = new StepLauncher(parts, user, run, spec.pinned, spec.agents)
  const at = parts.clock.now()
  const input: Input = { at, type: 'start', task: spec.task, pinned: spec.pinned, ...taintField(spec.taint) }
  const state = createState()
  const { events, commands } = transition(state, input)
  const record = encodeRecord({ input, events, first: 1 })
  const { writer, fragment } = parts.journals.create(user, runJournal(run), 'run', at, [record])
  const owner = new RunOwner(parts, {
    user,
    run,
    writer,
    state,
    pinned: spec.pinned,
    launcher,
    lastSeq: events.length,
    lastAt: at,
  })
  const statements = [
    ...parts.store.insert(user, run, {
      tags: spec.tags,
      agents: [...spec.agents.keys()],
      parent: parentOf(spec.pinned),
      team: parts.teamOf(spec.pinned.topology),
      task: spec.task,
    }),
    ...fragment.statements,
    ...parts.budgets.open(user, run, spec.pinned.config.budget),
    ...joinBudgets(parts.sharedBudgets, { user, run, pinned: spec.pinned }),
    ...owner.beginning(commands),
    ...notifyParent(parts, { user, run, pinned: spec.pinned }, commands),
    ...(parentOf(spec.pinned) === undefined ? (parts.dailyUsage?.startRun(user) ?? []) : []),
    ...(parts.audit?.written(user, { actor: startedBy(spec.pinned), operation: 'run.start', resource: run }) ?? []),
  ]
  return { owner, events, launcher, statements }
}

const startedBy = (pinned: Pinned): string => (parentOf(pinned) === undefined ? 'host' : 'troupe')

/** An error among the findings refuses the start, with all of them on it. */
function rejectFindings(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (!first) return
  const problem = errors.map((finding) => `${finding.location}: ${finding.message}`).join('; ')
  const error = failure('topology.rejected', { problem, remedy: first.remedy })
  throw Object.assign(error, { findings })
}
