/** Starts a run: checks the team, pins what it depends on, and makes its journal, rows and first steps durable at once. */
import type { Agent } from '../../agents/index.ts'
import { checkName, checkOptions, encodeJson, failure, type Json, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import { checkTopology, type Finding } from '../check/check-topology.ts'
import { decide } from '../core/decide.ts'
import { evolve } from '../core/evolve.ts'
import type { Event, Input, Pinned } from '../core/model.ts'
import { type RunConfig, readConfig } from '../core/read-config.ts'
import { createState } from '../core/state.ts'
import { defineTopology, type TopologyForm } from '../topology/define-topology.ts'
import type { First } from './first.ts'
import { parentOf } from './parent.ts'
import type { OrchestraParts } from './parts.ts'
import type { RunRecord } from './run-event.ts'
import { runJournal } from './run-journals.ts'
import { RunOwner } from './run-owner.ts'
import { StepLauncher } from './step-launcher.ts'

export interface StartSpec {
  /** Starting again with the id of a run that exists gives that run; one that was left goes on with the code given. */
  readonly id?: string
  readonly task: unknown
  readonly topology: TopologyForm
  readonly config?: RunConfig
  readonly tags?: readonly string[]
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

/**
 * @throws ValidationError `topology.refused`, with all findings on `error.findings`
 */
export async function startRun(parts: OrchestraParts, user: UserId, spec: StartSpec): Promise<Started> {
  checkOptions('orchestra.start', spec, ['id', 'task', 'topology', 'config', 'tags'])
  const run = spec.id === undefined ? parts.ids.next() : checkName('run', spec.id)
  const first = prepareRun(spec)
  const { agents } = first
  const { statements, ...created } = createRun(parts, user, run, first)
  const result = await parts.storage.commit({ id: null, scope: { user }, statements, wake: ['runs', 'timers'] })
  if (!result.ok && result.code !== 'run.exists') throw failure(result.code, { run, ...result.detail })
  return { run, agents, launcher: created.launcher, ...(result.ok ? created : {}) }
}

/** @throws ValidationError `topology.refused`, with all findings on `error.findings` */
export function prepareRun(spec: Omit<StartSpec, 'id'>): First {
  const topology = defineTopology(spec.topology)
  const config = readConfig(spec.config, topology.canonical)
  refuseFindings(checkTopology(topology, config))
  const task = JSON.parse(encodeJson(spec.task ?? null, 'The task')) as Json
  const fingerprints = Object.fromEntries([...topology.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology: topology.canonical, config, fingerprints }
  return { task, pinned, tags: spec.tags ?? [], agents: topology.agents }
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
  const input: Input = { at, type: 'start', task: first.task, pinned: first.pinned }
  const state = createState()
  const events = decide(state, input)
  for (const event of events) evolve(state, event)
  const record: RunRecord = { input, events, first: 1 }
  const { writer, fragment } = parts.journals.create(user, runJournal(run), 'run', at, [record as unknown as Json])
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
    }),
    ...fragment.statements,
    ...parts.budgets.open(user, run, first.pinned.config.budget),
    ...owner.beginning(events),
  ]
  return { owner, events, launcher, statements }
}

/** An error among the findings refuses the start, with all of them on it. */
function refuseFindings(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (!first) return
  const problem = errors.map((finding) => `${finding.place}: ${finding.message}`).join('; ')
  const error = failure('topology.refused', { problem, remedy: first.remedy })
  throw Object.assign(error, { findings })
}
