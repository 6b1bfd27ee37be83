/** Starts a run: checks the team, pins what it depends on, and makes its journal, rows and first steps durable at once. */
import type { Agent } from '../../agents/index.ts'
import { checkName, checkOptions, encodeJson, failure, type Json, type UserId } from '../../core/index.ts'
import { checkTopology, type Finding } from '../check/check-topology.ts'
import { decide } from '../core/decide.ts'
import { evolve } from '../core/evolve.ts'
import type { Event, Input, Pinned } from '../core/model.ts'
import { type RunConfig, readConfig } from '../core/read-config.ts'
import { createState } from '../core/state.ts'
import { defineTopology, type TopologyForm } from '../topology/define-topology.ts'
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
  const topology = defineTopology(spec.topology)
  const config = readConfig(spec.config, topology.canonical)
  refuseFindings(checkTopology(topology, config))
  const task = JSON.parse(encodeJson(spec.task ?? null, 'The task')) as Json
  const fingerprints = Object.fromEntries([...topology.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const pinned: Pinned = { topology: topology.canonical, config, fingerprints }
  const launcher = new StepLauncher(parts, user, run, pinned, topology.agents)
  const created = await create(parts, user, run, {
    task,
    pinned,
    launcher,
    tags: spec.tags ?? [],
    agents: topology.agents,
  })
  return { run, launcher, agents: topology.agents, ...created }
}

interface First {
  readonly task: Json
  readonly pinned: Pinned
  readonly launcher: StepLauncher
  readonly tags: readonly string[]
  readonly agents: ReadonlyMap<string, Agent>
}

async function create(parts: OrchestraParts, user: UserId, run: string, first: First): Promise<Created | undefined> {
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
    launcher: first.launcher,
    lastSeq: events.length,
    lastAt: at,
  })
  const statements = [
    ...parts.store.insert(user, run, { tags: first.tags, agents: [...first.agents.keys()] }),
    ...fragment.statements,
    ...parts.budgets.open(user, run, first.pinned.config.budget),
    ...owner.beginning(events),
  ]
  const result = await parts.storage.commit({ id: null, scope: { user }, statements, wake: ['runs', 'timers'] })
  if (result.ok) return { owner, events }
  if (result.code === 'run.exists') return undefined
  throw failure(result.code, { run, ...result.detail })
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
