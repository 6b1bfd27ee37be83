/** A state as JSON and back: what a snapshot holds, so that a resume need not fold the whole journal. */
import type { Json } from '../../core/index.ts'
import { graphOf } from '../../topology/index.ts'
import { dict, emptyDict } from './dict.ts'
import { createState, type State } from './state.ts'

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
  'openUsage',
] as const

/** Of the form in which `loadState` reads it; undefined fields are left out. */
export function saveState(state: Readonly<State>): Json {
  return JSON.parse([...stateTexts(state)].join('')) as Json
}

/** Entries of a map in one text. */
const perText = 100

/** The JSON text of a state in parts, so that a large state need not be written in one go. */
export function* stateTexts(state: Readonly<State>): Generator<string> {
  const { graph: _graph, flows: _flows, ...rest } = state
  const plain = Object.entries(rest).filter(([name]) => !(maps as readonly string[]).includes(name))
  yield JSON.stringify(Object.fromEntries(plain)).slice(0, -1)
  for (const name of maps) {
    yield `,"${name}":[`
    let entries: unknown[] = []
    let separator = ''
    for (const entry of state[name] as ReadonlyMap<string, unknown>) {
      if (entries.push(entry) < perText) continue
      yield separator + JSON.stringify(entries).slice(1, -1)
      entries = []
      separator = ','
    }
    yield entries.length > 0 ? `${separator}${JSON.stringify(entries).slice(1, -1)}]` : ']'
  }
  yield '}'
}

/** Objects whose keys are names get no prototype again. */
const named = <T extends object>(value: T): T => Object.assign(dict<T>(), value)
const namedOrEmpty = <T extends object>(value: T): T =>
  Object.keys(value).length === 0 ? emptyDict<T>() : named(value)

function isOpen(state: State, id: string): boolean {
  const status = state.branches.get(id)?.status
  return status !== 'completed' && status !== 'failed' && status !== 'cancelled'
}

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
  for (const branch of state.branches.values()) branch.progressHashes = namedOrEmpty(branch.progressHashes)
  for (const step of state.steps.values())
    for (const key of ['questions', 'requests', 'children'] as const)
      Object.assign(step, { [key]: namedOrEmpty(step[key]) })
  for (const group of state.groups.values())
    for (const key of ['reachableCounts', 'blockedReachableCounts', 'openJoins', 'joinCounts', 'closing'] as const)
      Object.assign(group, { [key]: namedOrEmpty(group[key]) })
  for (const group of state.groups.values()) group.open = new Set(group.branches.filter((id) => isOpen(state, id)))
  if (state.status !== 'new') state.graph = graphOf(state.pinned.topology)
  return state
}
