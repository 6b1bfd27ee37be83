/**
 * Clocks: each timeout is a timer that runs, stands (with what is left of it), or is none. What a decision touched is
 * compared with what its clocks should do; so no way through the core can forget one.
 *
 * The clock of a join stands while all that it misses waits for people; of a step while it waits; of a branch while it
 * waits for its fork or for people. While the run is paused all stand but those of steps that are still carried out.
 */
import { milliseconds, type Question } from '../../../core/index.ts'
import { missesPeopleAlone } from '../branches/branch-counts.ts'
import { type Deciding, isBranchEnded } from '../decision.ts'
import type { BranchId } from '../machine-events.ts'
import { deriveStatus } from '../run-account.ts'
import { waitsForCapacity } from '../steps/step-queue.ts'

/** How long a recalled step may take to stop before the run goes on without it. */
const grace = 10_000
/** How long a join waits for missing branches if neither its node nor the config names a deadline. */
const defaultDeadlineMs = 60_000

type Pace = 'runs' | 'stopped' | 'none'

function updateClock(d: Deciding, name: string, pace: Pace, ms: number) {
  const timer = d.state.timers.get(name)
  if (pace === 'none') return clearClock(d, name)
  if (pace === 'runs' && timer?.due === undefined)
    return d.emit({ type: 'timer.set', name, due: d.at + (timer?.remainingMs ?? ms) })
  if (pace === 'stopped' && (!timer || timer.due !== undefined))
    d.emit({ type: 'timer.cleared', name, remainingMs: timer?.due === undefined ? ms : Math.max(0, timer.due - d.at) })
}

export function clearClock(d: Deciding, name: string): void {
  if (d.state.timers.has(name)) d.emit({ type: 'timer.cleared', name })
}

export function updateClocks(d: Deciding): void {
  const { changed } = d
  updateTimeClock(d)
  markParentsChanged(d)
  for (const id of [...changed.branches]) updateBranchClock(d, id)
  for (const id of [...changed.steps]) updateStepClock(d, id)
  for (const id of [...changed.joins]) updateJoinClock(d, id)
  for (const id of [...changed.questions]) updateQuestionClock(d, id)
}

/** The budget of time is one of work: its clock stands while nothing in the run moves without somebody outside. */
function updateTimeClock(d: Deciding): void {
  const { cancellation, guard, pausedBy } = d.state
  const isStopped = pausedBy !== undefined || deriveStatus(d.state).status === 'waiting'
  updateClock(d, 'time', cancellation || guard ? 'none' : isStopped ? 'stopped' : 'runs', d.config.budget.time)
}

/** Whether somebody is away shows in everything that waits above. */
function markParentsChanged(d: Deciding): void {
  const seen = new Set<string>()
  for (const id of d.changed.branches) {
    const branch = d.state.branches.get(id)
    const group = branch && d.state.groups.get(branch.group)
    if (!group || seen.has(group.id)) continue
    seen.add(group.id)
    if (group.openJoinCount > 0)
      for (const node of Object.keys(group.openJoins))
        if (group.openJoins[node]) d.changed.joins.add(group.openJoins[node])
    const joinState = group.origin.kind === 'call' ? d.state.joins.get(group.origin.joinId) : undefined
    if (!joinState) continue
    d.changed.joins.add(joinState.id)
    // Sets are walked to their end, what is added meanwhile included.
    d.changed.branches.add(joinState.branch as BranchId)
  }
}

function updateBranchClock(d: Deciding, id: string): void {
  const branch = d.state.branches.get(id)
  const { branch: limit, acquisition } = d.config.timeouts
  if (!branch) return
  const over = isBranchEnded(branch) || branch.cancellation !== undefined
  const paused = d.state.pausedBy !== undefined
  if (limit !== undefined) {
    const moves = !paused && !branch.blocked && branch.status !== 'waiting' && branch.status !== 'asking'
    updateClock(d, `branch:${id}`, over ? 'none' : moves ? 'runs' : 'stopped', limit)
  }
  if (acquisition !== undefined)
    updateClock(
      d,
      `acquire:${id}`,
      over || !waitsForCapacity(d.state, branch) ? 'none' : paused ? 'stopped' : 'runs',
      acquisition,
    )
}

function updateStepClock(d: Deciding, id: string): void {
  const step = d.state.steps.get(id)
  const limit = d.config.timeouts.step
  if (limit !== undefined) {
    const none = !step || step.cancellation || step.status === 'ready'
    updateClock(d, `step:${id}`, none ? 'none' : step.status === 'running' ? 'runs' : 'stopped', limit)
  }
  updateClock(d, `grace:${id}`, step?.cancellation ? 'runs' : 'none', grace)
  if (!step) clearClock(d, `request:${id}`)
}

export const deadlineOf = (d: Deciding, node: string) => d.node(node).deadline ?? d.config.deadline ?? defaultDeadlineMs

function updateJoinClock(d: Deciding, id: string) {
  const joinState = d.state.joins.get(id)
  if (joinState?.state !== 'open') return clearClock(d, `join:${id}`)
  const limit = deadlineOf(d, joinState.node)
  const isStopped = d.state.pausedBy !== undefined || missesPeopleAlone(d.state, joinState)
  updateClock(d, `join:${id}`, isStopped ? 'stopped' : 'runs', limit)
}

function updateQuestionClock(d: Deciding, id: string) {
  const question = d.state.questions.get(id)
  if (question?.status !== 'open') return clearClock(d, `question:${id}`)
  const limit = questionTimeoutMs(question.ask) ?? d.config.timeouts.human
  if (limit !== undefined) updateClock(d, `question:${id}`, d.state.pausedBy === undefined ? 'runs' : 'stopped', limit)
}

/** Of a question, in ms, where it has one of its own. */
export const questionTimeoutMs = (ask: Question | undefined) =>
  ask?.timeout === undefined ? undefined : milliseconds(ask.timeout, 'timeout')

export const kindOf = (name: string) => (name.includes(':') ? name.slice(0, name.indexOf(':')) : name)
export const idOf = (name: string) => name.slice(name.indexOf(':') + 1)
/** Steps that are still carried out keep their time while the run is paused. */
const ofSteps = new Set(['step', 'grace', 'request'])

export function stopClocks(d: Deciding): void {
  for (const name of [...d.state.timers.keys()].sort())
    if (!ofSteps.has(kindOf(name))) updateClock(d, name, 'stopped', 0)
}

export function startClocks(d: Deciding): void {
  for (const name of [...d.state.timers.keys()].sort()) {
    const kind = kindOf(name)
    if (kind === 'branch' || kind === 'acquire') d.changed.branches.add(idOf(name))
    else if (kind === 'join') d.changed.joins.add(idOf(name))
    else if (kind === 'question') d.changed.questions.add(idOf(name))
    else if (kind !== 'time' && !ofSteps.has(kind)) updateClock(d, name, 'runs', 0)
  }
}
