/** Judges outside changes by the taint of whoever makes them, and records what was refused, reported and vouched for. */
import { type Duration, failure, type TaintLabel, type TroupeError, type UserId } from '../../core/index.ts'
import type { Egress, Fetch } from '../egress/index.ts'
import type { Incidents } from '../incidents.ts'
import { describeTaint, isJoined, type TaintPolicy } from './taint-policy.ts'

/** Who is about to do what, and what they have read. */
export interface TaintedAction {
  readonly userId: UserId
  readonly agent: string
  /** The tool or effect. */
  readonly action: string
  readonly taint: readonly TaintLabel[]
}

export type TaintVerdict = 'go' | 'approve' | 'refuse'

export interface TaintGuard {
  readonly approvalTimeout: Duration
  /** Of what people say. */
  readonly people: readonly TaintLabel[]
  /** A refusal, and what is only reported, is recorded. */
  judge(taintedAction: TaintedAction): TaintVerdict
  /** @returns the error for what was refused */
  rejection(taintedAction: TaintedAction): TroupeError
  /** Nobody agreed in time, or somebody refused. */
  denied(taintedAction: TaintedAction): void
  /** Somebody agreed to other arguments than those that were asked about: it is taken for no answer. */
  mismatched(taintedAction: Omit<TaintedAction, 'taint'>): void
  /** In a call of a tool it named another agent as the one who acts. */
  impersonated(taintedAction: Omit<TaintedAction, 'taint'>): void
  /** Code of the host says that what it goes on with holds nothing of what it had read. */
  declassified(taintedAction: TaintedAction): void
  /**
   * The way out for one call.
   * @param call.agreed the call itself was judged already
   * @param call.mark told where an answer came from, once it has come
   */
  fetchFor(
    taintedAction: TaintedAction,
    call: { readonly agreed: boolean; readonly mark: (labels: readonly TaintLabel[]) => void },
  ): Fetch
}

/** @example const guard = createTaintGuard(readPolicy(), { incidents, egress }) */
export function createTaintGuard(
  { taint: mode, people, approvalTimeout }: TaintPolicy,
  { incidents, egress }: { readonly incidents: Pick<Incidents, 'record' | 'rejected'>; readonly egress: Egress },
): TaintGuard {
  const record = ({ userId, agent, action }: Omit<TaintedAction, 'taint'>, code: string) =>
    incidents.record(userId, { agent, action, code })
  const judge = (taintedAction: TaintedAction): TaintVerdict => {
    if (!isJoined(taintedAction.taint)) return 'go'
    if (mode === 'approve') return 'approve'
    record(taintedAction, mode === 'refuse' ? 'taint.denied' : 'taint.reported')
    return mode === 'refuse' ? 'refuse' : 'go'
  }
  const rejection = ({ agent, action, taint }: TaintedAction) =>
    failure('taint.denied', { agent, action, joined: describeTaint(taint) })
  return {
    approvalTimeout,
    people,
    judge,
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
        // What only reads may be asked without anybody's leave: then it may not take along what it was told, either.
        if (!agreed) {
          const verdict = judge(taintedAction)
          if (verdict === 'approve') record(taintedAction, 'taint.denied')
          if (verdict !== 'go') throw rejection(taintedAction)
        }
        const response = await fetch(input, init)
        mark([`untrusted:${new URL(response.url).hostname.slice(0, 100)}`])
        return response
      }
    },
  }
}
