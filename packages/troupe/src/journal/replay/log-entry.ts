/**
 * What the journal of a step holds: each record is a list of entries, in the order in which their answers were given to
 * the code. Released entries never change their meaning.
 */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { EffectClass } from '../effect-port.ts'
import type { CallId, StagePath } from './call-id.ts'

/** A value as JSON text parsed, absent for undefined; or an error. */
interface Result {
  readonly v?: Json
  readonly e?: StoredError
  /** What came with it. */
  readonly l?: readonly TaintLabel[]
}

/** Where it stands when it was given while older answers were not all given: so many stood before it. */
interface Positioned {
  readonly p?: number
}

export type DeliveredEntry =
  /** A read of the world inside. */
  | ({ readonly t: 'answer'; readonly id: CallId } & Result & Positioned)
  /** The same, answered at once. */
  | { readonly t: 'now'; readonly id: CallId; readonly v: Json }
  /** The outcome of an effect; `h` is the hash of the input where no claim holds it; `r`: refused before it started. */
  | ({ readonly t: 'effect'; readonly id: CallId; readonly h?: string; readonly r?: true } & Result & Positioned)
  /** What a turn that failed left behind, asked for again. */
  | ({ readonly t: 'reused'; readonly id: CallId } & Positioned)
  /** A body returned here; its result is with the turn that commits its writes. */
  | ({ readonly t: 'body'; readonly id: CallId } & Positioned)
  | { readonly t: 'commit'; readonly id: CallId }
  /** The answer to a wait. */
  | ({ readonly t: 'reply'; readonly id: CallId } & Result)

export type LogEntry =
  | DeliveredEntry
  /** The hash of the step's input: a re-entry with another is tried all the same, and this says why it failed. */
  | { readonly t: 'started'; readonly h: string }
  /**
   * `i` is the input of an effect of class `at-most-once`, for the person who may have to find out what became of it; `g`
   * is what the claim grants.
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
  /** The claim is given back: the step was stopped before the effect began. */
  | { readonly t: 'released'; readonly id: CallId }
  | { readonly t: 'uncertain'; readonly id: CallId }
  /** A person said that it did not happen: it is carried out now, unless its step is over. */
  | { readonly t: 'not-happened'; readonly id: CallId }
  /**
   * Writes and results of bodies of a turn that is committed. `w` lists the ids of the writes, consecutive ones as a range;
   * `o` are stages that were still running.
   */
  | {
      readonly t: 'turn'
      readonly w?: readonly string[]
      readonly b?: { readonly [body: CallId]: Result }
      readonly o?: readonly StagePath[]
    }
  /** The process that executed the step ended without stopping it, and another starts it again. */
  | { readonly t: 'restarted' }
  /** A restarted step was stopped in order: what restarts it next was no crash of its code. */
  | { readonly t: 'stopped' }
  | { readonly t: 'turn.failed'; readonly attempt: number; readonly code: string }
  | { readonly t: 'wait'; readonly id: CallId; readonly h: string; readonly due?: number }
  | ({ readonly t: 'end' } & Result)

/** The text of an entry whose value is JSON text already. */
export function entryText(
  fields: { readonly t: string } & { readonly [key: string]: unknown },
  value?: string,
): string {
  const text = JSON.stringify(fields)
  return value === undefined ? text : `${text.slice(0, -1)},"v":${value}}`
}
