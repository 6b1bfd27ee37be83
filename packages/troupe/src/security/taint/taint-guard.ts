/** Judges outside changes by the taint of whoever makes them, and records what was refused, reported and vouched for. */
import { type Duration, failure, type TaintLabel, type TroupeError, type UserId } from '../../core/index.ts'
import type { Egress, Fetch } from '../egress/index.ts'
import type { Incidents } from '../incidents.ts'
import { describeTaint, isJoined, type Policy } from './taint-policy.ts'

/** Who is about to do what, and what they have read. */
export interface TaintedAct {
  readonly userId: UserId
  readonly agent: string
  /** The tool or effect. */
  readonly action: string
  readonly taint: readonly TaintLabel[]
}

export type Verdict = 'go' | 'approve' | 'refuse'

export interface TaintGuard {
  readonly approvalTimeout: Duration
  /** Of what people say. */
  readonly people: readonly TaintLabel[]
  /** A refusal, and what is only reported, is recorded. */
  judge(act: TaintedAct): Verdict
  /** @returns the error for what was refused */
  refusal(act: TaintedAct): TroupeError
  /** Nobody agreed in time, or somebody refused. */
  denied(act: TaintedAct): void
  /** Somebody agreed to other arguments than those that were asked about: it is taken for no answer. */
  mismatched(act: Omit<TaintedAct, 'taint'>): void
  /** In a call of a tool it named another agent as the one who acts. */
  impersonated(act: Omit<TaintedAct, 'taint'>): void
  /** Code of the host says that what it goes on with holds nothing of what it had read. */
  declassified(act: TaintedAct): void
  /**
   * The way out for one call.
   * @param call.agreed the call itself was judged already
   * @param call.mark told where an answer came from, once it has come
   */
  fetchFor(
    act: TaintedAct,
    call: { readonly agreed: boolean; readonly mark: (labels: readonly TaintLabel[]) => void },
  ): Fetch
}

/** @example const guard = createTaintGuard(readPolicy(), { incidents, egress }) */
export function createTaintGuard(
  { taint: mode, people, approvalTimeout }: Policy,
  { incidents, egress }: { readonly incidents: Pick<Incidents, 'record' | 'refused'>; readonly egress: Egress },
): TaintGuard {
  const record = ({ userId, agent, action }: Omit<TaintedAct, 'taint'>, code: string) =>
    incidents.record(userId, { agent, action, code })
  const judge = (act: TaintedAct): Verdict => {
    if (!isJoined(act.taint)) return 'go'
    if (mode === 'approve') return 'approve'
    record(act, mode === 'refuse' ? 'taint.refused' : 'taint.reported')
    return mode === 'refuse' ? 'refuse' : 'go'
  }
  const refusal = ({ agent, action, taint }: TaintedAct) =>
    failure('taint.refused', { agent, action, joined: describeTaint(taint) })
  return {
    approvalTimeout,
    people,
    judge,
    refusal,
    denied: (act) => record(act, 'approval.denied'),
    mismatched: (act) => record(act, 'approval.mismatch'),
    impersonated: (act) => record(act, 'agent.mismatch'),
    declassified: (act) => record(act, 'taint.declassified'),
    fetchFor(act, { agreed, mark }) {
      const fetch = egress.for((error) => incidents.refused(act.userId, act.agent, act.action, error))
      return async (input, init) => {
        // What only reads may be asked without anybody's leave: then it may not take along what it was told, either.
        if (!agreed) {
          const verdict = judge(act)
          if (verdict === 'approve') record(act, 'taint.refused')
          if (verdict !== 'go') throw refusal(act)
        }
        const response = await fetch(input, init)
        mark([`untrusted:${new URL(response.url).hostname.slice(0, 100)}`])
        return response
      }
    },
  }
}
