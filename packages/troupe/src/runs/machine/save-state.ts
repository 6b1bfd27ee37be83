/** A state as JSON and back: what a snapshot holds, so that a resume need not fold the whole journal. */
import type { Json } from '../../core/index.ts'
import { graphOf } from '../../topology/index.ts'
import { createState, dict, type State } from './state.ts'

const maps = [
  'branches',
  'groups',
  'joins',
  'steps',
  'questions',
  'timers',
  'open',
  'answers',
  'waitingChildren',
  'queues',
  'paths',
  'taints',
] as const

/** Of the form in which `loadState` reads it; undefined fields are left out. */
export function saveState(state: Readonly<State>): Json {
  const { ledger: _ledger, graph: _graph, ...rest } = state
  const plain: Record<string, unknown> = { ...rest }
  for (const name of maps) plain[name] = [...state[name]]
  return JSON.parse(JSON.stringify(plain)) as Json
}

/** Objects whose keys are names get no prototype again. */
const named = <T extends object>(value: T): T => Object.assign(dict<T>(), value)

export function loadState(saved: Json): State {
  const plain = saved as Record<string, unknown>
  const state = createState()
  for (const [key, value] of Object.entries(plain)) {
    if ((maps as readonly string[]).includes(key)) {
      const map = state[key as (typeof maps)[number]] as Map<string, unknown>
      for (const [id, one] of value as [string, unknown][]) map.set(id, one)
    } else Object.assign(state, { [key]: key === 'counts' ? { ...state.counts, ...(value as object) } : value })
  }
  for (const key of ['busy', 'edgeUses', 'asks'] as const) Object.assign(state, { [key]: named(state[key]) })
  for (const asks of Object.keys(state.asks)) state.asks[asks] = named(state.asks[asks] as { [other: string]: number })
  Object.assign(state.usage, { unknown: named(state.usage.unknown) })
  for (const branch of state.branches.values()) branch.progressHashes = named(branch.progressHashes)
  for (const step of state.steps.values())
    for (const key of ['questions', 'requests', 'children'] as const) Object.assign(step, { [key]: named(step[key]) })
  for (const group of state.groups.values())
    for (const key of ['reachableCounts', 'blockedReachableCounts', 'openJoins', 'joinCounts', 'closing'] as const)
      Object.assign(group, { [key]: named(group[key]) })
  if (state.status !== 'new') state.graph = graphOf(state.pinned.topology)
  return state
}
