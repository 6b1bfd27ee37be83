/** What becomes of failures: retried, routed, asked about, taken in by a meeting, or handed up. */
import { duration, failure, hashText, type StoredError, storeError } from '../../core/index.ts'
import { askAboutFailure } from './asking.ts'
import type { FailurePolicy } from './canonical.ts'
import type { ErrorRule, RetryRule } from './config.ts'
import { type Deciding, failed } from './deciding.ts'
import { follow } from './follow.ts'
import type { GraphNode } from './graph.ts'
import { canBeMet } from './join.ts'
import { joinOf, missing, policyOf, standing } from './standing.ts'
import type { Branch, Scope } from './state.ts'
import { graphIn, planOf } from './ways.ts'

const longestDelay = 60_000

/** Doubles from attempt to attempt; the jitter is derived from the name, so that a replay waits as long. */
export function delayBefore(retry: RetryRule, attempt: number, name: string): number {
  const full = Math.min(longestDelay, retry.backoff * 2 ** Math.max(0, attempt - 2))
  const jitter = Number.parseInt(hashText(`${name} ${attempt}`).slice(0, 8), 16) / 2 ** 32
  return Math.ceil(full * (1 - jitter / 2))
}

const ruleFor = (d: Deciding, error: StoredError): ErrorRule | undefined => {
  const { onError } = d.config
  const { code } = (error.details ?? {}) as { readonly code?: unknown }
  for (const kind of [error.code, typeof code === 'string' ? code : error.code, error.name, '*'])
    if (Object.hasOwn(onError, kind)) return onError[kind]
  return undefined
}

/** Errors that say themselves that another attempt is of no use. */
const isFinal = (error: StoredError) => error.name === 'CriticalError'

export function routeError(d: Deciding, branch: Branch, error: StoredError) {
  const rule = ruleFor(d, error)
  if (!rule) return failBranch(d, branch, error)
  if (rule.retry && branch.attempt < rule.retry.attempts && !isFinal(error)) return again(d, branch, rule.retry)
  const said = rule.retry && branch.attempt > 1 ? exhausted(error, branch.attempt) : error
  const standIn = rule.agent === undefined || branch.standIn ? undefined : named(d, rule.agent)
  if (standIn) {
    const { id, node } = branch
    d.emit({ type: 'branch.moved', branch: id, node: standIn.name, agent: standIn.label, from: node, standIn: true })
    return
  }
  if (rule.value !== undefined) {
    const plan = planOf(d.state, branch, { kind: 'value', value: rule.value })
    return follow(d, branch, plan.kind === 'invalid' ? { kind: 'end', value: rule.value, notify: [] } : plan)
  }
  if (rule.ask) return askAboutFailure(d, branch, said)
  failBranch(d, branch, said)
}

const named = (d: Deciding, agent: string): GraphNode | undefined => {
  const { nodes } = graphIn(d.state)
  return nodes.get(agent) ?? [...nodes.values()].find((n) => n.label === agent)
}

const exhausted = (error: StoredError, attempts: number): StoredError => ({
  ...storeError(failure('retries.exhausted', { attempts, error: error.message })),
  details: { attempts, cause: { ...error } },
})

/** The same step anew, after its delay. */
export function again(d: Deciding, branch: Branch, retry: RetryRule): void {
  const attempt = branch.attempt + 1
  const delay = delayBefore(retry, attempt, branch.id)
  const after = `again:${branch.id}`
  moveInPlace(d, branch, attempt, delay > 0 ? after : undefined)
  if (delay > 0) d.emit({ type: 'timer.set', name: after, due: d.at + delay })
}

export function moveInPlace(d: Deciding, branch: Branch, attempt: number, after?: string): void {
  const { id, node, from, standIn } = branch
  d.emit({
    type: 'branch.moved',
    branch: id,
    node,
    agent: d.label(branch),
    ...(from === undefined ? {} : { from }),
    ...(standIn ? { standIn: true as const } : {}),
    attempt,
    ...(after === undefined ? {} : { after }),
  })
}

/** The meeting that would miss this branch: the first on its way, where somebody waits or can still come. */
function meetingFor(d: Deciding, scope: Scope, branch: Branch): GraphNode | undefined {
  const [first] = d.node(branch.node).first
  if (first === undefined) return undefined
  const waits = scope.meetings[first] !== undefined
  return waits || missing(d, scope, first, waits) > 1 ? d.node(first) : undefined
}

function policyFor(d: Deciding, scope: Scope, branch: Branch): FailurePolicy {
  const meeting = meetingFor(d, scope, branch)
  if (meeting) return policyOf(d, meeting)
  if (scope.opens.kind === 'call') return d.barrier(scope.opens.barrier).onFailure
  return scope.opens.kind === 'notify' ? 'collect' : d.config.onFailure
}

/** The branch has failed for good, unless a person is to be asked first; who was asked and said abort is not asked again. */
export function failBranch(d: Deciding, branch: Branch, error: StoredError, fatal = false) {
  if (fatal) return fall(d, branch, error, 'failFast', 'abort')
  const scope = d.scopeOf(branch)
  const policy = policyFor(d, scope, branch)
  if (policy === 'ask' && !d.goesDown(scope)) return askAboutFailure(d, branch, error)
  fall(d, branch, error, policy)
}

/** @param decided of a person: `skip` goes on without it, `abort` goes down with it */
export function fall(
  d: Deciding,
  branch: Branch,
  error: StoredError,
  policy: FailurePolicy,
  decided?: 'skip' | 'abort',
) {
  const scope = d.scopeOf(branch)
  const agent = d.label(branch)
  const meeting = meetingFor(d, scope, branch)
  const { id, order, depth } = branch
  d.emit({
    type: 'branch.failed',
    branch: id,
    agent,
    error,
    ...(decided === 'skip' ? { forgiven: true as const } : {}),
  })
  if (d.goesDown(scope)) return
  if (decided === 'abort') return d.later({ do: 'scope.fail', scope: scope.id, error, fatal: true })
  if (meeting && (policy !== 'failFast' || forgives(d, scope, meeting))) {
    d.arrivals.push({ scope: scope.id, node: meeting.name, child: id, order, depth, result: failed(agent, error) })
    return
  }
  if (policy === 'failFast' && (scope.live > 0 || scope.barriers > 0))
    d.later({ do: 'scope.fail', scope: scope.id, error, fatal: false })
}

/** Whether the meeting's join can be met with one failure more. */
function forgives(d: Deciding, scope: Scope, node: GraphNode): boolean {
  const id = scope.meetings[node.name]
  const now =
    id === undefined
      ? { successes: 0, failures: 0, open: missing(d, scope, node.name, false), fatal: false }
      : standing(d, d.barrier(id))
  return canBeMet(joinOf(d, node), { ...now, failures: now.failures + 1 })
}

export const timedOut = (kind: string, what: string, ms: number): StoredError =>
  storeError(failure('timeout', { what, kind, limit: duration(ms) }))
