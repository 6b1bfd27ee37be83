/** Effects: the recorded interactions of a step with the world. */
import type { Json, TaintLabel } from '../core/index.ts'
import type { Fetch } from '../security/index.ts'
import type { Fragment } from '../storage/index.ts'

/**
 * pure: not recorded. read: recorded with the next append. idempotent: claimed before it starts, retried with the same
 * key. once: claimed, its result recorded at once, an unknown outcome is `uncertain` and never retried by itself.
 */
export type EffectClass = 'pure' | 'read' | 'idempotent' | 'at-most-once'

export type Reconciled<Out> = 'happened' | 'not' | 'unknown' | { readonly happened: true; readonly output: Out }

export interface EffectSpec<Out = unknown> {
  readonly class: EffectClass
  /** The idempotency key handed to the function; derived from the step and the call where absent. */
  readonly key?: string
  /** What it depends on: another input on re-entry is refused. Conversations pass a chained hash. */
  readonly input?: unknown
  /** What it asks in full, where `input` stands for it by a hash: for those who enter the step once more to read it. */
  readonly request?: () => Json
  /** Asked when the outcome is unknown after a crash. */
  readonly reconcile?: (key: string) => Promise<Reconciled<Out>>
  readonly undo?: (key: string, output: Out) => Promise<void>
  /**
   * Rows of the room above in the change of the claim, e.g. the reservation of a budget: refused, the effect never
   * starts and rejects with that refusal. Makes a `read` effect claimed too. A promise that rejects breaks the step off,
   * as storage does that fails.
   */
  readonly claim?: () => ClaimRows | Promise<ClaimRows>
  /** Rows in the change that records the outcome, e.g. the settlement of the reservation. */
  readonly charge?: (outcome: { readonly output?: Out; readonly error?: unknown }) => Fragment
  readonly taint?: readonly TaintLabel[]
}

/** It may change something outside. */
export const isOutsideEffect = (spec: Pick<EffectSpec, 'class'>): boolean =>
  spec?.class === 'idempotent' || spec?.class === 'at-most-once'

/** The rows of a claim, and what it grants: recorded with it, so that another attempt has the same. */
export interface ClaimRows extends Fragment {
  readonly granted?: Json
}

export interface EffectCall {
  readonly key: string
  /** What its claim granted it; absent where nothing. */
  readonly granted?: Json
  readonly signal: AbortSignal
  /** What it gives came from there: recorded with the outcome, so that a re-entry knows it too. */
  readonly taint: (labels: readonly TaintLabel[]) => void
}

export type EffectFunction<Out> = (call: EffectCall) => Promise<Out> | Out

/** As `ctx.effect` takes it: with the way out, within `egress`. What it answers is marked as untrusted. */
export type OutsideFunction<Out> = (call: EffectCall & { readonly fetch: Fetch }) => Promise<Out> | Out

/** How a person or program settles an uncertain effect. */
export type Resolution = { readonly happened: true; readonly output?: Json } | { readonly happened: false }
