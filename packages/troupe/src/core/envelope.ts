/**
 * Who did it, where it came from, what clings to it: one shape in every entry, message, tool result, effect and model
 * call. Only the shape is here; the rules about it are in `security`.
 */
import { hashText } from './json.ts'

/** A user is the isolation scope (tenant), not a person. */
export type UserId = string

export interface Principal {
  readonly userId: UserId
  readonly kind: 'host' | 'agent' | 'human' | 'system'
  readonly name: string
  /** Who it acts for, nearest first: a delegated agent never has more than its callers. */
  readonly onBehalfOf?: readonly string[]
}

/** Ids of W3C Trace Context: 32 and 16 hexadecimal digits. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
}

export interface Provenance {
  readonly agent: string
  readonly trace?: TraceContext
  readonly runId?: string
  readonly stepId?: string
  readonly effectId?: string
  /** What the step had read when it made this, as `key@version`. */
  readonly readFrom?: readonly string[]
}

/** `untrusted:web`, `sensitive:payroll`: a label is a kind and the source that set it. Sticks to what is derived. */
export type TaintLabel = `${'untrusted' | 'sensitive'}:${string}`

export interface Envelope {
  readonly principal: Principal
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
  readonly trace?: TraceContext
}

/**
 * The trace of what happens within `root` (a run, a thread, a message), and the span of one step in it: derived, so that
 * a step that is entered again, on whichever node, stands at the same place of its trace.
 */
export const traceOf = (user: UserId, root: string, step: string): TraceContext => ({
  traceId: hashText(`${user}\n${root}`).slice(0, 32),
  spanId: hashText(`${user}\n${step}`).slice(0, 16),
})

/** The labels of all, each once, sorted: what is made of several things has the taint of each. */
export const joinTaint = (...taints: readonly (readonly TaintLabel[])[]): readonly TaintLabel[] =>
  taints.every((taint) => taint.length === 0) ? [] : [...new Set(taints.flat())].sort()
