/**
 * The entries in the journal of a step. Each record is a list of entries, in the order in which the code got their
 * answers. Released entries never change their meaning.
 */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { EffectClass } from '../effect-port.ts'
import type { CallId, StagePath } from './call-id.ts'

/** A value, absent for undefined; or an error. */
interface Result {
  readonly v?: Json
  readonly e?: StoredError
  /** The taint labels of the value or error. */
  readonly l?: readonly TaintLabel[]
}

/** The index of an answer that was given before older ones; absent for an answer at the end. */
interface Positioned {
  readonly p?: number
}

export type DeliveredEntry =
  /** A read of the troupe's own data. */
  | ({ readonly t: 'answer'; readonly id: CallId } & Result & Positioned)
  /** A read that is answered synchronously. */
  | { readonly t: 'now'; readonly id: CallId; readonly v: Json }
  /** The outcome of an effect. `h`: the hash of the input, if no claim has it. `r`: the effect was rejected before it started. */
  | ({ readonly t: 'effect'; readonly id: CallId; readonly h?: string; readonly r?: true } & Result & Positioned)
  /** An outcome of a failed turn that answers the same call of the repeated turn. */
  | ({ readonly t: 'reused'; readonly id: CallId } & Positioned)
  /** The return of a body. Its result is in the turn that commits its writes. */
  | ({ readonly t: 'body'; readonly id: CallId } & Positioned)
  | { readonly t: 'commit'; readonly id: CallId }
  /** The answer to a wait. */
  | ({ readonly t: 'reply'; readonly id: CallId } & Result)

export type LogEntry =
  | DeliveredEntry
  /** The hash of the step's input. An execution with another input is tried, and its failure names the difference. */
  | { readonly t: 'started'; readonly h: string }
  /**
   * `i`: the input of an effect of class `at-most-once`, for a person who has to find out its outcome. `g`: the grant of the
   * claim.
   */
  | {
      readonly t: 'claim'
      readonly id: CallId
      readonly h: string
      readonly k: string
      readonly c: EffectClass
      readonly i?: Json
      readonly g?: Json
    }
  /** Removes the claim: the step was stopped before the effect began. */
  | { readonly t: 'released'; readonly id: CallId }
  /** `p`: why its outcome is unknown; absent after a crash. */
  | { readonly t: 'uncertain'; readonly id: CallId; readonly p?: string }
  /** A person resolved the effect as not happened. It is executed now, unless its step has ended. */
  | { readonly t: 'not-happened'; readonly id: CallId }
  /**
   * The writes and the results of bodies of a committed turn. `w`: the ids of the writes, consecutive ones as a range. `o`:
   * the stages that were running at the commit.
   */
  | {
      readonly t: 'turn'
      readonly w?: readonly string[]
      readonly b?: { readonly [body: CallId]: Result }
      readonly o?: readonly StagePath[]
    }
  /** A restart: the process that executed the step before ended without stopping it. */
  | { readonly t: 'restarted' }
  /** A restarted step was stopped by its process. Its next restart does not follow a crash. */
  | { readonly t: 'stopped' }
  | { readonly t: 'turn.failed'; readonly attempt: number; readonly code: string }
  | { readonly t: 'wait'; readonly id: CallId; readonly h: string; readonly due?: number }
  | ({ readonly t: 'end' } & Result)

/** Returns the text of an entry. `value` is already JSON text. */
export function entryText(
  fields: { readonly t: string } & { readonly [key: string]: unknown },
  value?: string,
): string {
  const text = JSON.stringify(fields)
  return value === undefined ? text : `${text.slice(0, -1)},"v":${value}}`
}
