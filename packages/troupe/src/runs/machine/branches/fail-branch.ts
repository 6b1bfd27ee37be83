/** Handles failures: retries, routes, asks a person, or passes them to a join or to the parent. */
import { duration, failure, hashText, type Json, quoting, type StoredError, storeError } from '../../../core/index.ts'
import type { ErrorRule, FailurePolicy, GraphNode, RetryRule } from '../../../topology/index.ts'
import { failedResult, type RunDecision } from '../decision.ts'
import { joinOf, joinProgress, missing, policyOf } from '../joins/join-progress.ts'
import { canBeSatisfied } from '../joins/join-verdict.ts'
import { askAboutFailure, askPerson } from '../people/ask-person.ts'
import { routeAnswer } from '../people/route-answer.ts'
import type { Branch, Group } from './branches-slice.ts'
import { graphIn, joinsAhead, planOf } from './flow.ts'
import { routeResult } from './route-result.ts'

const longestDelay = 60_000

/** The delay doubles with each attempt. Its jitter is derived from the name, so that a replay has the same delay. */
export function delayBefore(retry: RetryRule, attempt: number, name: string): number {
  const full = Math.min(longestDelay, retry.backoff * 2 ** Math.max(0, attempt - 2))
  const jitter = Number.parseInt(hashText(`${name} ${attempt}`).slice(0, 8), 16) / 2 ** 32
  return Math.ceil(full * (1 - jitter / 2))
}

const ruleFor = (d: RunDecision, error: StoredError): ErrorRule | undefined => {
  const { onError } = d.config
  const { code } = (error.details ?? {}) as { readonly code?: unknown }
  for (const kind of [error.code, typeof code === 'string' ? code : error.code, error.name, '*'])
    if (Object.hasOwn(onError, kind)) return onError[kind]
  return undefined
}

/** Errors after which another attempt cannot succeed. */
const isFinal = (error: StoredError) => error.name === 'CriticalError'

export function routeError(d: RunDecision, branch: Branch, error: StoredError) {
  const rule = ruleFor(d, error)
  if (!rule) return handleBranchFailure(d, branch, error)
  if (rule.retry && branch.attempt < rule.retry.attempts && !isFinal(error)) return retryBranch(d, branch, rule.retry)
  const failure = rule.retry && branch.attempt > 1 ? exhausted(error, branch.attempt) : error
  const substitute = rule.agent === undefined || branch.substitute ? undefined : named(d, rule.agent)
  if (substitute) {
    const { id, node } = branch
    d.emit({
      type: 'branch.moved',
      branch: id,
      node: substitute.name,
      agent: substitute.label,
      from: node,
      substitute: true,
    })
    return
  }
  if (rule.value !== undefined) {
    if (d.node(branch.node).kind === 'user') return routeAnswer(d, branch, rule.value)
    return routeSubstitute(d, branch, rule.value)
  }
  if (rule.ask) return askAboutFailure(d, branch, failure)
  handleBranchFailure(d, branch, failure)
}

/** Continues with a value in place of a failed result: as a plain value, or as the answer if it has several ways to go. */
export function routeSubstitute(d: RunDecision, branch: Branch, value: Json): void {
  const plans = (['value', 'finish'] as const).map((kind) => planOf(d.state, branch, { kind, value }))
  routeResult(d, branch, plans.find((plan) => plan.kind !== 'invalid') ?? { kind: 'end', value, notify: [] })
}

const named = (d: RunDecision, agent: string): GraphNode | undefined => {
  const { nodes } = graphIn(d.state)
  return nodes.get(agent) ?? [...nodes.values()].find((n) => n.label === agent)
}

/** Returns the error after the last attempt, with the last error as its cause. */
export const exhausted = (error: StoredError, attempts: number): StoredError => ({
  ...quoting(storeError(failure('retries.exhausted', { attempts, error: error.message })), error),
  details: { attempts, cause: { ...error } },
})

/** Retries the step after its delay. */
export function retryBranch(d: RunDecision, branch: Branch, retry: RetryRule): void {
  const attempt = branch.attempt + 1
  const delay = delayBefore(retry, attempt, branch.id)
  const after = `retry:${branch.id}`
  retryInPlace(d, branch, attempt, delay > 0 ? after : undefined)
  if (delay > 0) d.emit({ type: 'timer.set', name: after, due: d.at + delay })
}

export function retryInPlace(d: RunDecision, branch: Branch, attempt: number, after?: string): void {
  const { id, node, from, substitute } = branch
  d.emit({
    type: 'branch.moved',
    branch: id,
    node,
    agent: d.label(branch),
    ...(from === undefined ? {} : { from }),
    ...(substitute ? { substitute: true as const } : {}),
    attempt,
    ...(after === undefined ? {} : { after }),
  })
  if (after === undefined) askPerson(d, branch)
}

/**
 * Returns the join that would miss a branch at this node: the first on its way at which a branch waits or can still arrive.
 * @param own 1 if the branch itself is among those that can still arrive
 */
function joinNodeFor(d: RunDecision, group: Group, node: string, own: 0 | 1): GraphNode | undefined {
  const ahead = new Set(joinsAhead(d.state, group, node).first)
  for (const name of ahead) {
    const waits = group.openJoins[name] !== undefined
    if (waits || missing(d, group, name, waits) > own) return d.node(name)
    for (const next of joinsAhead(d.state, group, name).first) ahead.add(next)
  }
  return undefined
}

function policyFor(d: RunDecision, group: Group, branch: Branch): FailurePolicy {
  const joinNode = joinNodeFor(d, group, branch.node, 1)
  if (joinNode) return policyOf(d, joinNode)
  if (group.origin.kind === 'call') return d.joinState(group.origin.joinId).onFailure
  return group.origin.kind === 'notify' ? 'collect' : d.config.onFailure
}

/** Fails the branch, unless a person is asked first. A person who decided to abort is not asked again. */
export function handleBranchFailure(d: RunDecision, branch: Branch, error: StoredError, fatal = false) {
  if (fatal) return failBranch(d, branch, error, 'failFast', 'abort')
  const group = d.groupOf(branch)
  const policy = policyFor(d, group, branch)
  if (policy === 'ask' && !d.isStopping(group)) return askAboutFailure(d, branch, error)
  failBranch(d, branch, error, policy)
}

/** @param decision of a person: `skip` continues without the branch, `abort` fails its parent */
export function failBranch(
  d: RunDecision,
  branch: Branch,
  error: StoredError,
  policy: FailurePolicy,
  decision?: 'skip' | 'abort',
) {
  const group = d.groupOf(branch)
  const agent = d.label(branch)
  const joinNode = joinNodeFor(d, group, branch.node, 1)
  const { id, order, depth } = branch
  const handled = decision === 'skip' ? { errorHandled: true as const } : {}
  d.emit({ type: 'branch.failed', branch: id, agent, error, ...handled })
  if (d.isStopping(group)) return
  if (decision === 'abort') return d.later({ do: 'scope.fail', group: group.id, error, fatal: true })
  if (joinNode && (policy !== 'failFast' || survives(d, group, joinNode))) {
    const result = failedResult(agent, error)
    d.arrivals.push({ group: group.id, node: joinNode.name, child: id, order, depth, result, ...handled })
    return
  }
  // The failure counts even if all others have ended: their order decides nothing.
  if (policy === 'failFast' && group.live + group.openJoinCount + group.ends.length > 0)
    d.later({ do: 'scope.fail', group: group.id, error, fatal: false })
}

/** Returns whether the group continues after one more failure at the join: the join can still complete, or a later one can. */
const survives = (d: RunDecision, group: Group, node: GraphNode, failed?: Set<string>): boolean =>
  toleratesFailure(d, group, node) || joinAfter(d, group, node.name, failed) !== undefined

/**
 * Returns the join for which the failure of the join at this node is that of a branch; undefined if the group fails with it.
 * @param failed the nodes of the joins that fail before
 */
export function joinAfter(
  d: RunDecision,
  group: Group,
  node: string,
  failed = new Set<string>(),
): GraphNode | undefined {
  failed.add(node)
  const next = joinNodeFor(d, group, node, 0)
  if (!next || failed.has(next.name)) return undefined
  const policy = policyOf(d, next)
  return policy === 'collect' || policy === 'continue' || (policy === 'failFast' && survives(d, group, next, failed))
    ? next
    : undefined
}

/** Returns whether the join can still complete after one more failure. */
function toleratesFailure(d: RunDecision, group: Group, node: GraphNode): boolean {
  const id = group.openJoins[node.name]
  const now =
    id === undefined
      ? { successes: 0, failures: 0, skipped: 0, open: missing(d, group, node.name, false), fatal: false }
      : joinProgress(d, d.joinState(id))
  return canBeSatisfied(joinOf(d, node), { ...now, failures: now.failures + 1 })
}

export const timedOut = (kind: string, what: string, ms: number): StoredError =>
  storeError(failure('timeout', { what, kind, limit: duration(ms) }))
