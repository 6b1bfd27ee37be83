/** Effects: the recorded interactions of a step with systems outside Troupe. */
import type { Json, TaintLabel } from '../core/index.ts'
import type { Fetch } from '../security/index.ts'
import type { Fragment } from '../storage/index.ts'

/**
 * `pure`: not recorded. `read`: recorded with the next append. `idempotent`: claimed before it starts, retried with the same
 * key. `at-most-once`: claimed, its result recorded at once; an unknown outcome is `uncertain` and is not retried.
 */
export type EffectClass = 'pure' | 'read' | 'idempotent' | 'at-most-once'

/**
 * The outcome that `reconcile` found: the effect happened (without or with its output), did not happen, or is still
 * unknown.
 */
export type Reconciled<Out> =
  | 'happened'
  | 'not'
  | 'unknown'
  | {
      readonly happened: true
      /** The result of the effect. */
      readonly output: Out
    }

/** The declaration of an effect. */
export interface EffectSpec<Out = unknown> {
  /** The class of the effect, which decides whether it is recorded and retried. */
  readonly class: EffectClass
  /** The idempotency key that the function gets; by default derived from the step and the call. */
  readonly key?: string
  /** The input of the effect. A different input at a later execution is an error. Threads pass a chained hash. */
  readonly input?: unknown
  /** Returns the complete request if `input` is only its hash, for readers of recorded steps. */
  readonly request?: () => Json
  /** Finds out the outcome if it is unknown after a crash. */
  readonly reconcile?: (key: string) => Promise<Reconciled<Out>>
  /** True if an earlier step began the effect and its outcome is unknown: it is executed only if `reconcile` returns `not`. */
  readonly begun?: boolean
  /**
   * Compensates the effect when its run is undone; it gets the idempotency key and the recorded output. Without it, the
   * effect cannot be undone.
   */
  readonly undo?: (key: string, output: Out) => Promise<void>
  /**
   * Statements of the calling module in the change of the claim, such as the reservation of a budget. If they are rejected,
   * the effect does not start and rejects with that error. A `read` effect with it is claimed too. If the promise rejects, the
   * step is interrupted, as after a failure of the storage.
   */
  readonly claim?: () => ClaimRows | Promise<ClaimRows>
  /** Statements in the change that records the outcome, such as the release of the reservation. */
  readonly charge?: (outcome: {
    /** The result; absent if the effect failed. */
    readonly output?: Out
    /** The error; absent if the effect succeeded. */
    readonly error?: unknown
  }) => Fragment
  /** Taint labels of the result, besides those of the step. */
  readonly taint?: readonly TaintLabel[]
}

/** Returns whether the effect may change something outside. */
export const isOutsideEffect = (spec: Pick<EffectSpec, 'class'>): boolean =>
  spec?.class === 'idempotent' || spec?.class === 'at-most-once'

/** The statements of a claim, and its grant, which is recorded so that another attempt has the same grant. */
export interface ClaimRows extends Fragment {
  readonly granted?: Json
  /** Returns the details of a rejection with what only a read can add, such as the used amount. */
  readonly explain?: (detail: RejectionDetail) => Promise<RejectionDetail>
}

type RejectionDetail = { readonly [key: string]: Json }

/** The argument of the function of an effect. */
export interface EffectCall {
  /** The idempotency key: the same at each attempt and execution of this call. */
  readonly key: string
  /** The grant of its claim, if any. */
  readonly granted?: Json
  /** Aborts when the step is cancelled, times out or loses its journal. */
  readonly signal: AbortSignal
  /** Adds taint labels to the result. They are recorded with the outcome, so that a later execution has them too. */
  readonly taint: (labels: readonly TaintLabel[]) => void
}

export type EffectFunction<Out> = (call: EffectCall) => Promise<Out> | Out

/** The function of `ctx.effect`: its `fetch` follows the egress rules, and answers are marked as untrusted. */
export type OutsideFunction<Out> = (
  call: EffectCall & {
    /** A `fetch` that follows the egress rules; what it returns is marked as untrusted. */
    readonly fetch: Fetch
  },
) => Promise<Out> | Out

/** The resolution of an uncertain effect by a person or program. */
export type Resolution =
  | {
      readonly happened: true
      /** The result that the step gets; undefined if absent. */
      readonly output?: Json
    }
  | { readonly happened: false }
