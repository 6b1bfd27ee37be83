/** Starts a run: checks the team, pins what it depends on, and makes its journal, rows and first steps durable at once. */
import type { Agent } from '../../agents/index.ts'
import {
  canonicalJson,
  checkName,
  checkOptions,
  checkSignal,
  checkTaint,
  encodeJson,
  failure,
  type Json,
  joinTaint,
  type TaintLabel,
  taintField,
  type UserId,
} from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import { checkTopology, type Finding, type Surroundings } from '../check/check-topology.ts'
import { decide } from '../core/decide.ts'
import { evolve } from '../core/evolve.ts'
import type { Event, Input, Pinned } from '../core/model.ts'
import { type RunConfig, readConfig } from '../core/read-config.ts'
import { createState } from '../core/state.ts'
import { defineTopology, type TopologyForm } from '../topology/define-topology.ts'
import type { First } from './first.ts'
import { parentOf } from './parent.ts'
import type { OrchestraParts } from './parts.ts'
import { runJournal } from './run-journals.ts'
import { RunOwner } from './run-owner.ts'
import { encodeRecord, readRecord } from './run-record.ts'
import { StepLauncher } from './step-launcher.ts'
import { tellAbove } from './tell-below.ts'

export interface StartSpec {
  /** Starting again with the id of a run that exists, and what it was started with, gives that run; one that was left goes
   * on with the code given. */
  readonly id?: string
  readonly task: unknown
  /** What the task holds: `untrusted:mail` for what a stranger wrote, `sensitive:payroll` for what must not leave. */
  readonly taint?: readonly TaintLabel[]
  readonly topology: TopologyForm
  readonly config?: RunConfig
  readonly tags?: readonly string[]
  /** Of `start`: aborted before the run is durable, none begins. `run` cancels its run. */
  readonly signal?: AbortSignal
}

export interface Created {
  readonly owner: RunOwner
  readonly events: readonly Event[]
}
/** Without an owner where the run existed. */
export interface Started extends Partial<Created> {
  readonly run: string
  readonly launcher: StepLauncher
  /** The code that was given, by name. */
  readonly agents: ReadonlyMap<string, Agent>
}

/** A run that may begin. */
export interface NewRun {
  readonly run: string
  readonly first: First
}

/** @throws ValidationError `topology.refused`, with all findings on `error.findings` */
export function readStart(parts: Pick<OrchestraParts, 'ids' | 'roles' | 'services'>, spec: StartSpec): NewRun {
  checkOptions('orchestra.start', spec, ['id', 'task', 'taint', 'topology', 'config', 'tags', 'signal'])
  checkSignal('orchestra.start', spec.signal)
  const run = spec.id === undefined ? parts.ids.next() : checkName('run', spec.id)
  const prepared = prepareRun(spec, surroundingsOf(parts))
  return { run, first: { ...prepared, taint: joinTaint(prepared.taint, parts.services.guard.people) } }
}

/** What a team is checked against here. */
export const surroundingsOf = ({ roles, services }: Pick<OrchestraParts, 'roles' | 'services'>): Surroundings => ({
  models: services.models,
  ...(roles ? { roles } : {}),
})

/**
 * @param also goes before it in one change, and only where the run is new
 * @throws ConflictError `run.repeated`; with `also` what it expects, and `run.exists`
 */
export async function startRun(
  parts: OrchestraParts,
  user: UserId,
  { run, first }: NewRun,
  also?: readonly Statement[],
): Promise<Started> {
  const { agents } = first
  const { statements: own, ...created } = createRun(parts, user, run, first)
  const statements = also ? [...also, ...own] : own
  const result = await parts.storage.commit({ id: null, scope: { user }, statements, wake: ['runs', 'timers'] })
  if (!result.ok && (result.code !== 'run.exists' || also)) throw failure(result.code, { run, ...result.detail })
  if (!result.ok) await checkSame(parts, user, run, first)
  return { run, agents, launcher: created.launcher, ...(result.ok ? created : {}) }
}

/**
 * The run that is there began with the same, as far as its journal is kept. Its agents' code may be another by now.
 * @throws ConflictError `run.repeated`
 */
async function checkSame({ journals }: OrchestraParts, user: UserId, run: string, first: First): Promise<void> {
  const [record] = await journals.read(user, runJournal(run), 0, 1)
  const input = record && readRecord(record.body).input
  if (input?.type !== 'start') return
  const same = (a: unknown, b: unknown) => canonicalJson(a as Json) === canonicalJson(b as Json)
  const { topology, config } = input.pinned
  if (!same(input.task, first.task)) throw failure('run.repeated', { run, what: 'task' })
  if (!same(topology, first.pinned.topology)) throw failure('run.repeated', { run, what: 'topology' })
  if (!same(config, first.pinned.config)) throw failure('run.repeated', { run, what: 'config' })
}

/**
 * @param around left out for what a step starts: entered again in another process, it must be told the same
 * @throws ValidationError `topology.refused`, with all findings on `error.findings`
 */
export function prepareRun(spec: Omit<StartSpec, 'id' | 'signal'>, around?: Surroundings): First {
  const topology = defineTopology(spec.topology)
  const config = readConfig(spec.config, topology.canonical)
  refuseFindings(checkTopology(topology, config, around))
  const task = JSON.parse(encodeJson(spec.task ?? null, 'The task')) as Json
  const fingerprints = Object.fromEntries([...topology.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology: topology.canonical, config, fingerprints }
  const taint = checkTaint(spec.taint, 'The task')
  return { task, taint, pinned, tags: readTags(spec.tags), agents: topology.agents }
}

/** @throws ValidationError for what is no list of texts */
function readTags(tags: readonly string[] = []): readonly string[] {
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string' && tag.length <= 256))
    throw failure('validation.failed', { what: 'The tags of a run', problem: 'they are no list of texts' })
  return [...tags]
}

/** The rows of a new run: its journal's first record, and all that follows from it. */
export function createRun(
  parts: OrchestraParts,
  user: UserId,
  run: string,
  first: First,
): Created & { readonly launcher: StepLauncher; readonly statements: readonly Statement[] } {
  const launcher = new StepLauncher(parts, user, run, first.pinned, first.agents)
  const at = parts.clock.now()
  const input: Input = { at, type: 'start', task: first.task, pinned: first.pinned, ...taintField(first.taint) }
  const state = createState()
  const events = decide(state, input)
  for (const event of events) evolve(state, event)
  const record = encodeRecord({ input, events, first: 1 })
  const { writer, fragment } = parts.journals.create(user, runJournal(run), 'run', at, [record])
  const owner = new RunOwner(parts, {
    user,
    run,
    writer,
    state,
    pinned: first.pinned,
    launcher,
    lastSeq: events.length,
    lastAt: at,
  })
  const statements = [
    ...parts.store.insert(user, run, {
      tags: first.tags,
      agents: [...first.agents.keys()],
      parent: parentOf(first.pinned),
      team: parts.teamOf(first.pinned.topology),
      task: first.task,
    }),
    ...fragment.statements,
    ...parts.budgets.open(user, run, first.pinned.config.budget),
    ...owner.beginning(events),
    ...tellAbove(
      parts,
      { user, run, pinned: first.pinned },
      events.map((event, i) => ({ ...event, seq: i + 1 })),
    ),
    ...(parts.audit?.written(user, { actor: startedBy(first.pinned), operation: 'run.start', resource: run }) ?? []),
  ]
  return { owner, events, launcher, statements }
}

const startedBy = (pinned: Pinned): string => (parentOf(pinned) === undefined ? 'host' : 'troupe')

/** An error among the findings refuses the start, with all of them on it. */
function refuseFindings(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (!first) return
  const problem = errors.map((finding) => `${finding.place}: ${finding.message}`).join('; ')
  const error = failure('topology.refused', { problem, remedy: first.remedy })
  throw Object.assign(error, { findings })
}
