/** Converts a state to JSON and back, for snapshots, so that a resume does not have to fold the complete journal. */
import type { Json } from '../../core/index.ts'
import { graphOf } from '../../topology/index.ts'
import { isBranchEnded } from './branches/branches-slice.ts'
import { dict, emptyDict } from './dict.ts'
import { createState, must, type State } from './state.ts'

type Slices = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Returns the state in the form that `loadState` reads, without undefined fields. */
export function saveState(state: Readonly<State>): Json {
  return JSON.parse([...stateTexts(state)].join('')) as Json
}

/** Entries of a map in one text. */
const perText = 100

/** The JSON text of a state in parts, so that a large state need not be written in one go. */
export function* stateTexts(state: Readonly<State>): Generator<string> {
  const { graph: _graph, flows: _flows, ...slices } = state
  let opening = '{'
  for (const [name, slice] of Object.entries(slices as unknown as Slices)) {
    yield `${opening}"${name}":`
    yield* sliceTexts(slice)
    opening = ','
  }
  yield '}'
}

function* sliceTexts(slice: Readonly<Record<string, unknown>>): Generator<string> {
  let opening = '{'
  for (const [name, field] of Object.entries(slice)) {
    if (field === undefined) continue
    yield `${opening}"${name}":`
    if (field instanceof Map) yield* entryTexts(field)
    else yield JSON.stringify(field)
    opening = ','
  }
  yield '}'
}

function* entryTexts(map: ReadonlyMap<string, unknown>): Generator<string> {
  let entries: unknown[] = []
  let opening = '['
  for (const entry of map) {
    if (entries.push(entry) < perText) continue
    yield opening + JSON.stringify(entries).slice(1, -1)
    entries = []
    opening = ','
  }
  if (entries.length > 0) yield opening + JSON.stringify(entries).slice(1, -1)
  yield map.size === 0 ? '[]' : ']'
}

/** Objects whose keys are names get no prototype again. */
const named = <T extends object>(value: T): T => Object.assign(dict<T>(), value)
const namedOrEmpty = <T extends object>(value: T): T =>
  Object.keys(value).length === 0 ? emptyDict<T>() : named(value)

export function loadState(saved: Json): State {
  const state = createState()
  const slices = state as unknown as Slices
  for (const [name, slice] of Object.entries(saved as unknown as Slices))
    loadSlice(must(slices[name], `slice ${name}`), slice)
  restoreDicts(state)
  for (const group of state.branches.groups.values()) {
    const isOpen = (id: string) => !isBranchEnded(must(state.branches.all.get(id), `branch ${id}`))
    group.open = new Set(group.branches.filter(isOpen))
  }
  if (state.run.status !== 'new') state.graph = graphOf(state.run.pinned.topology)
  return state
}

function loadSlice(slice: Readonly<Record<string, unknown>>, saved: Readonly<Record<string, unknown>>): void {
  for (const [name, field] of Object.entries(saved)) {
    const map = slice[name]
    if (map instanceof Map) for (const [id, entry] of field as [string, unknown][]) map.set(id, entry)
    else Object.assign(slice, { [name]: field })
  }
}

function restoreDicts({ branches, steps, limits, budgets }: State): void {
  for (const key of ['busy', 'edgeUses'] as const) Object.assign(limits, { [key]: named(limits[key]) })
  for (const [agent, asked] of Object.entries(steps.requestEdges)) steps.requestEdges[agent] = named(asked)
  Object.assign(steps, { requestEdges: named(steps.requestEdges) })
  Object.assign(budgets.usage, {
    unknown: named(budgets.usage.unknown),
    models: namedOrEmpty(budgets.usage.models ?? {}),
  })
  for (const branch of branches.all.values()) {
    branch.progressHashes = namedOrEmpty(branch.progressHashes)
    // The release before this one stored a flag.
    if ('hasReturned' in branch && branch.hasReturned) branch.invoked = must(branch.results, 'results')[0]?.agent ?? ''
  }
  for (const step of steps.open.values())
    for (const key of ['questions', 'requests', 'children'] as const)
      Object.assign(step, { [key]: namedOrEmpty(step[key]) })
  for (const group of branches.groups.values())
    for (const key of [
      'reachableCounts',
      'blockedReachableCounts',
      'openJoins',
      'joinCounts',
      'closing',
      'passUses',
    ] as const)
      Object.assign(group, { [key]: namedOrEmpty(group[key]) })
}
