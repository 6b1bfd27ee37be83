/**
 * Clocks: each timeout is a timer that runs, stands (with what is left of it), or is none. What a decision touched is
 * compared with what its clocks should do; so no way through the core can forget one.
 *
 * The clock of a join stands while all that it misses waits for people; of a step while it waits; of a branch while it
 * waits for its fork or for people. While the run is paused all stand but those of steps that are still carried out.
 */
import { milliseconds, type Question } from '../../core/index.ts'
import { type Deciding, isOver } from './deciding.ts'
import type { BranchId } from './model.ts'
import { waitsForRoom } from './queue.ts'
import { must } from './state.ts'
import { missesPeopleAlone } from './tally.ts'

/** How long a recalled step may take to stop before the run goes on without it. */
const grace = 10_000

type Pace = 'runs' | 'stands' | 'none'

function keep(d: Deciding, name: string, pace: Pace, ms: number) {
  const timer = d.state.timers.get(name)
  if (pace === 'none') return clearClock(d, name)
  if (pace === 'runs' && timer?.due === undefined)
    return d.emit({ type: 'timer.set', name, due: d.at + (timer?.left ?? ms) })
  if (pace === 'stands' && (!timer || timer.due !== undefined))
    d.emit({ type: 'timer.cleared', name, left: timer?.due === undefined ? ms : Math.max(0, timer.due - d.at) })
}

export function clearClock(d: Deciding, name: string): void {
  if (d.state.timers.has(name)) d.emit({ type: 'timer.cleared', name })
}

export function keepClocks(d: Deciding): void {
  const { touched } = d
  touchUpward(d)
  for (const id of [...touched.branches]) keepBranch(d, id)
  for (const id of [...touched.steps]) keepStep(d, id)
  for (const id of [...touched.barriers]) keepBarrier(d, id)
  for (const id of [...touched.questions]) keepQuestion(d, id)
}

/** Whether somebody is away shows in everything that waits above. */
function touchUpward(d: Deciding): void {
  const seen = new Set<string>()
  for (const id of d.touched.branches) {
    const branch = d.state.branches.get(id)
    const scope = branch && d.state.scopes.get(branch.scope)
    if (!scope || seen.has(scope.id)) continue
    seen.add(scope.id)
    if (scope.barriers > 0)
      for (const node of Object.keys(scope.meetings))
        if (scope.meetings[node]) d.touched.barriers.add(scope.meetings[node])
    const barrier = scope.opens.kind === 'call' ? d.state.barriers.get(scope.opens.barrier) : undefined
    if (!barrier) continue
    d.touched.barriers.add(barrier.id)
    // Sets are walked to their end, what is added meanwhile included.
    d.touched.branches.add(barrier.branch as BranchId)
  }
}

function keepBranch(d: Deciding, id: string): void {
  const branch = d.state.branches.get(id)
  const { branch: limit, acquisition } = d.config.timeouts
  if (!branch) return
  const over = isOver(branch) || branch.recall !== undefined
  const paused = d.state.pausedBy !== undefined
  if (limit !== undefined) {
    const moves = !paused && !branch.away && branch.status !== 'waiting' && branch.status !== 'asking'
    keep(d, `branch:${id}`, over ? 'none' : moves ? 'runs' : 'stands', limit)
  }
  if (acquisition !== undefined)
    keep(d, `acquire:${id}`, over || !waitsForRoom(d.state, branch) ? 'none' : paused ? 'stands' : 'runs', acquisition)
}

function keepStep(d: Deciding, id: string): void {
  const step = d.state.steps.get(id)
  const limit = d.config.timeouts.step
  if (limit !== undefined) {
    const none = !step || step.recall || step.status === 'ready'
    keep(d, `step:${id}`, none ? 'none' : step.status === 'running' ? 'runs' : 'stands', limit)
  }
  keep(d, `grace:${id}`, step?.recall ? 'runs' : 'none', grace)
  if (!step) clearClock(d, `request:${id}`)
}

export const deadlineOf = (d: Deciding, node: string) =>
  d.node(node).deadline ?? d.config.deadline ?? must(d.config.timeouts.convergence, 'convergence')

function keepBarrier(d: Deciding, id: string) {
  const barrier = d.state.barriers.get(id)
  if (barrier?.state !== 'open') return clearClock(d, `barrier:${id}`)
  const limit = deadlineOf(d, barrier.node)
  const stands = d.state.pausedBy !== undefined || missesPeopleAlone(d.state, barrier)
  keep(d, `barrier:${id}`, stands ? 'stands' : 'runs', limit)
}

function keepQuestion(d: Deciding, id: string) {
  const question = d.state.questions.get(id)
  if (question?.status !== 'open') return clearClock(d, `question:${id}`)
  const limit = limitOf(question.ask) ?? d.config.timeouts.human
  if (limit !== undefined) keep(d, `question:${id}`, d.state.pausedBy === undefined ? 'runs' : 'stands', limit)
}

/** Of a question, in ms, where it has one of its own. */
export const limitOf = (ask: Question | undefined) =>
  ask?.timeout === undefined ? undefined : milliseconds(ask.timeout, 'timeout')

export const kindOf = (name: string) => (name.includes(':') ? name.slice(0, name.indexOf(':')) : name)
export const idOf = (name: string) => name.slice(name.indexOf(':') + 1)
/** Steps that are still carried out keep their time while the run is paused. */
const ofSteps = new Set(['step', 'grace', 'request'])

export function standClocks(d: Deciding): void {
  for (const name of [...d.state.timers.keys()].sort()) if (!ofSteps.has(kindOf(name))) keep(d, name, 'stands', 0)
}

export function startClocks(d: Deciding): void {
  for (const name of [...d.state.timers.keys()].sort()) {
    const kind = kindOf(name)
    if (kind === 'branch' || kind === 'acquire') d.touched.branches.add(idOf(name))
    else if (kind === 'barrier') d.touched.barriers.add(idOf(name))
    else if (kind === 'question') d.touched.questions.add(idOf(name))
    else if (!ofSteps.has(kind)) keep(d, name, 'runs', 0)
  }
}
