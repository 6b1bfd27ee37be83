/**
 * Clocks: each timeout is a timer that runs, is stopped with its remaining time, or does not exist. The clocks of
 * everything that a decision changed are updated after it, so that no rule of the core can forget one.
 *
 * Clocks of work stop together while the run is paused or waits (`run-time.ts`). The clock of a join also stops while
 * all branches that it misses are blocked (they wait for a person, a resolution, code or a waiting child run), that of
 * a step while it waits, that of a request while its serving step is blocked, and that of a branch while it is blocked
 * or waits for its invocations.
 */
import { milliseconds, type Question, type WorkInParts } from '../../../core/index.ts'
import { isJoinBlocked } from '../branches/branch-counts.ts'
import { isBranchEnded } from '../branches/branches-slice.ts'
import type { RunDecision } from '../decision.ts'
import type { BranchId } from '../machine-events.ts'
import { waitsForCapacity } from '../steps/step-queue.ts'
import { timeOf } from './run-time.ts'

/** The time in ms in which a cancelled step may end before the run continues without it, unless the config has `grace`. */
export const defaultGraceMs = 10_000

type Pace = 'runs' | 'stopped' | 'none'

function updateClock(d: RunDecision, name: string, pace: Pace, ms: number) {
  const timer = d.state.clocks.timers.get(name)
  if (pace === 'none') return clearClock(d, name)
  if (pace === 'runs' && timer?.due === undefined)
    return d.emit({ type: 'timer.set', name, due: d.at + (timer?.remainingMs ?? ms) })
  if (pace === 'runs' || (timer && timer.due === undefined)) return
  const remainingMs = timer?.due === undefined ? ms : Math.max(0, timer.due - timeOf(d.state, name, d.at))
  d.emit({ type: 'timer.cleared', name, remainingMs })
}

export function clearClock(d: RunDecision, name: string): void {
  if (d.state.clocks.timers.has(name)) d.emit({ type: 'timer.cleared', name })
}

/** In parts, as the decision before it: each of its thousands of branches may have a clock. */
export function* updateClocks(d: RunDecision): WorkInParts<void> {
  const { changed } = d
  updateTimeClock(d)
  yield* markParentsChanged(d)
  markAskersChanged(d)
  yield* updateEach(d, changed.branches, updateBranchClock)
  yield* updateEach(d, changed.steps, updateStepClock)
  yield* updateEach(d, changed.joins, updateJoinClock)
  yield* updateEach(d, changed.questions, updateQuestionClock)
}

function* updateEach(
  d: RunDecision,
  ids: ReadonlySet<string>,
  update: (d: RunDecision, id: string) => void,
): WorkInParts<void> {
  for (const id of [...ids]) {
    update(d, id)
    yield
  }
}

/** The clock of the time budget ends with the work that it limits; the next attempt of the run has the rest. */
function updateTimeClock(d: RunDecision): void {
  const { cancellation, guard, startedAt } = d.state.run
  const left = d.config.budget.time - (timeOf(d.state, 'time', d.at) - startedAt)
  updateClock(d, 'time', cancellation || guard ? 'none' : 'runs', Math.max(0, left))
}

/** Marks the ancestors of changed branches, since a blocked branch blocks the ancestors that wait for it. */
function* markParentsChanged(d: RunDecision): WorkInParts<void> {
  const seen = new Set<string>()
  for (const id of d.changed.branches) {
    yield
    const branch = d.state.branches.all.get(id)
    const group = branch && d.state.branches.groups.get(branch.group)
    if (!group || seen.has(group.id)) continue
    seen.add(group.id)
    if (group.openJoinCount > 0)
      for (const node of Object.keys(group.openJoins))
        if (group.openJoins[node]) d.changed.joins.add(group.openJoins[node])
    const joinState = group.origin.kind === 'call' ? d.state.joins.open.get(group.origin.joinId) : undefined
    if (!joinState) continue
    d.changed.joins.add(joinState.id)
    // The iteration of a set includes elements that are added during it.
    d.changed.branches.add(joinState.branch as BranchId)
  }
}

/** Marks the requesting steps of changed serving steps, since a blocked one blocks the step that waits for its reply. */
function markAskersChanged(d: RunDecision): void {
  for (const id of d.changed.steps) {
    const asker = d.state.steps.open.get(id)?.serve?.from
    if (asker !== undefined) d.changed.steps.add(asker)
  }
}

function updateBranchClock(d: RunDecision, id: string): void {
  const branch = d.state.branches.all.get(id)
  const { branch: limit, acquisition } = d.config.timeouts
  if (!branch) return
  const over = isBranchEnded(branch) || branch.cancellation !== undefined
  if (limit !== undefined) {
    const moves = !branch.blocked && branch.status !== 'waiting' && branch.status !== 'asking'
    updateClock(d, `branch:${id}`, over ? 'none' : moves ? 'runs' : 'stopped', limit)
  }
  if (acquisition !== undefined)
    updateClock(d, `acquire:${id}`, over || !waitsForCapacity(d.state, branch) ? 'none' : 'runs', acquisition)
}

function updateStepClock(d: RunDecision, id: string): void {
  const step = d.state.steps.open.get(id)
  const limit = d.config.timeouts.step
  if (limit !== undefined) {
    const none = !step || step.cancellation || step.status === 'ready'
    updateClock(d, `step:${id}`, none ? 'none' : step.status === 'running' ? 'runs' : 'stopped', limit)
  }
  updateClock(d, `grace:${id}`, step?.cancellation ? 'runs' : 'none', d.config.timeouts.grace ?? defaultGraceMs)
  const timeoutMs = step?.cancellation ? undefined : step?.serve?.timeoutMs
  const runs = step?.status === 'running' || !step?.blocked
  updateClock(d, `request:${id}`, timeoutMs === undefined ? 'none' : runs ? 'runs' : 'stopped', timeoutMs ?? 0)
}

/** How long a join waits for missing branches, in ms; undefined if neither its node nor the config names a deadline. */
export const deadlineOf = (d: RunDecision, node: string): number | undefined =>
  d.node(node).deadline ?? d.config.deadline

function updateJoinClock(d: RunDecision, id: string) {
  const joinState = d.state.joins.open.get(id)
  const limit = joinState?.state === 'open' ? deadlineOf(d, joinState.node) : undefined
  if (!joinState || limit === undefined) return clearClock(d, `join:${id}`)
  updateClock(d, `join:${id}`, isJoinBlocked(d.state, joinState) ? 'stopped' : 'runs', limit)
}

function updateQuestionClock(d: RunDecision, id: string) {
  const question = d.state.questions.open.get(id)
  if (!question) return clearClock(d, `question:${id}`)
  const limit = questionTimeoutMs(question.ask) ?? d.config.timeouts.human
  if (limit !== undefined) updateClock(d, `question:${id}`, 'runs', limit)
}

/** Returns the timeout of a question in ms; undefined if it has none. */
export const questionTimeoutMs = (ask: Question | undefined) =>
  ask?.timeout === undefined ? undefined : milliseconds(ask.timeout, 'timeout')
