/**
 * Decides on outside changes by the taint of the step that makes them, and records refusals, reports and
 * declassifications.
 */
import {
  type Clock,
  type Duration,
  type Events,
  failure,
  joinTaint,
  type TaintLabel,
  type TroupeError,
  type UserId,
} from '../../core/index.ts'
import type { Callers } from '../callers.ts'
import type { Egress, Fetch } from '../egress/index.ts'
import type { Incidents } from '../incidents.ts'
import type { CompiledRule, PolicyOutcome } from '../policy/index.ts'
import { type DecidedCall, decideCall, isRuled, type NarrowerRules, type PolicyDecision } from './decide-call.ts'
import { describeTaint, isJoined, type TaintPolicy } from './taint-policy.ts'

/** An outside change: its agent, its action, and the labels of what the agent has read. */
export interface TaintedAction {
  readonly userId: UserId
  readonly agent: string
  /** The tool or effect. */
  readonly action: string
  readonly taint: readonly TaintLabel[]
}

export interface TaintGuard {
  readonly approvalTimeout: Duration
  /** The labels of the input of people, and of what came in with the API key of the current call. */
  readonly people: readonly TaintLabel[]
  /** The labels of private entries, of messages and of memories. */
  readonly privateLabels: readonly TaintLabel[]
  /** The rules of the troupe. */
  readonly rules: readonly CompiledRule[]
  /** Returns whether rules name a tool: then decisions on its calls are recorded, whatever their labels are. */
  isRuled(action: string, rules?: NarrowerRules): boolean
  /**
   * Decides on one call. Each decision of a rule or of `policy.taint` is an event and, unless it simply allows the
   * call, an incident.
   */
  decide(actor: Pick<TaintedAction, 'userId' | 'agent'>, call: DecidedCall): PolicyDecision
  /** Returns the error of a refused change. */
  rejection(taintedAction: TaintedAction, decision?: PolicyDecision): TroupeError
  /** Records that no person approved in time, or that a person refused. */
  denied(taintedAction: TaintedAction): void
  /** Records that a person approved other arguments than those in the question, which counts as no answer. */
  mismatched(taintedAction: Omit<TaintedAction, 'taint'>): void
  /** Records that a call of a tool named another agent as its actor. */
  impersonated(taintedAction: Omit<TaintedAction, 'taint'>): void
  /** Records that code of the application declared data free of what it had read. */
  declassified(taintedAction: TaintedAction): void
  /**
   * Returns the `fetch` of one call.
   * @param call.agreed the call itself was decided already
   * @param call.mark called with the source of each answer
   */
  fetchFor(
    taintedAction: TaintedAction,
    call: { readonly agreed: boolean; readonly mark: (labels: readonly TaintLabel[]) => void },
  ): Fetch
}

/** @example const guard = createTaintGuard(readPolicy(), { incidents, egress }) */
export function createTaintGuard(
  { rules, taint: mode, people, privateLabels, approvalTimeout }: TaintPolicy,
  {
    incidents,
    egress,
    callers,
    events,
    clock,
  }: {
    readonly incidents: Pick<Incidents, 'record' | 'rejected'>
    readonly egress: Egress
    readonly callers?: Pick<Callers, 'taint'>
    readonly events: Pick<Events, 'emit'>
    readonly clock: Pick<Clock, 'now'>
  },
): TaintGuard {
  const record = ({ userId, agent, action }: Omit<TaintedAction, 'taint'>, code: string) =>
    incidents.record(userId, { agent, action, code })
  const byTaint: PolicyOutcome = mode === 'approve' ? 'ask' : mode === 'report' ? 'allow' : 'block'
  /** The decision on a request of a tool, which no person can approve before. */
  const judgeFetch = (taintedAction: TaintedAction): PolicyOutcome => {
    if (!isJoined(taintedAction.taint)) return 'allow'
    if (byTaint !== 'ask') record(taintedAction, byTaint === 'block' ? 'taint.denied' : 'taint.reported')
    return byTaint
  }
  const rejection: TaintGuard['rejection'] = ({ agent, action, taint }, { rule, reason } = { verdict: 'block' }) =>
    rule === undefined || rule === 'policy.taint'
      ? failure('taint.denied', { agent, action, joined: describeTaint(taint) })
      : failure('policy.denied', { agent, action, rule: reason === undefined ? rule : `${rule}: ${reason}` })
  const decide: TaintGuard['decide'] = ({ userId, agent }, call) => {
    const decision = decideCall(call, rules, byTaint)
    const { rule, verdict, arguments: args = [] } = decision
    if (rule === undefined) return decision
    const code = incidentCode(decision)
    if (code !== undefined) record({ userId, agent, action: call.action }, code)
    events.emit({
      type: 'policy.decided',
      at: clock.now(),
      userId,
      agent,
      tool: call.action,
      rule,
      decision: verdict,
      arguments: args.map(({ argument }) => argument),
    })
    return decision
  }
  return {
    approvalTimeout,
    privateLabels,
    get people() {
      return joinTaint(people, callers?.taint ?? [])
    },
    isRuled: (action, { team = [], agent, tool } = {}) => isRuled(action, rules, ...team, agent, tool),
    rules,
    decide,
    rejection,
    denied: (taintedAction) => record(taintedAction, 'approval.denied'),
    mismatched: (taintedAction) => record(taintedAction, 'approval.mismatch'),
    impersonated: (taintedAction) => record(taintedAction, 'agent.mismatch'),
    declassified: (taintedAction) => record(taintedAction, 'taint.declassified'),
    fetchFor(taintedAction, { agreed, mark }) {
      const fetch = egress.for((error) =>
        incidents.rejected(taintedAction.userId, taintedAction.agent, taintedAction.action, error),
      )
      return async (input, init) => {
        // A call that only reads needs no approval, so it may not carry data to the host either.
        if (!agreed) {
          const verdict = judgeFetch(taintedAction)
          if (verdict === 'ask') record(taintedAction, 'taint.denied')
          if (verdict !== 'allow') throw rejection(taintedAction)
        }
        const response = await fetch(input, init)
        mark([`untrusted:${new URL(response.url).hostname.slice(0, 100)}`])
        return response
      }
    },
  }
}

/** An approval that `policy.taint` asks for is recorded when a person gives or refuses it. */
function incidentCode({ rule, verdict, arguments: args = [] }: PolicyDecision): string | undefined {
  const byTaint = { allow: 'taint.reported', ask: undefined, block: 'taint.denied' } as const
  const byRule = { allow: args.length > 0 ? 'policy.allowed' : undefined, ask: 'policy.asked', block: 'policy.denied' }
  return (rule === 'policy.taint' ? byTaint : byRule)[verdict]
}
