/**
 * Principal, provenance and taint, in one form for entries, messages, tool results, effects and model calls. Only the types
 * are here; the rules are in `security`.
 */

import { invalidInput } from '../errors/failure.ts'
import { hashText } from '../json/canonical-json.ts'
import { isListOf } from '../values/is-object.ts'

/** A user is the isolation scope (tenant), not a person. */
export type UserId = string

/** The identity on whose behalf an operation is executed. */
export interface Principal {
  /** The user to whose data the operation is confined. */
  readonly userId: UserId
  /** `host`: the application; `agent`: an agent; `human`: a person; `system`: Troupe itself. */
  readonly kind: 'host' | 'agent' | 'human' | 'system'
  /** The name of the agent, the person or the part; `host` for the application. */
  readonly name: string
}

/** Ids of W3C Trace Context: 32 and 16 hexadecimal digits. */
export interface TraceContext {
  /** 32 hexadecimal digits: the same for all work of one run, thread or message. */
  readonly traceId: string
  /** 16 hexadecimal digits: one step in the trace. */
  readonly spanId: string
  /** False if the caller of the trace does not record it; absent otherwise. */
  readonly isSampled?: false
}

/** The origin of a stored value. */
export interface Provenance {
  /** The agent that made it; `host` for the application. */
  readonly agent: string
  /** The trace in which it was made. */
  readonly trace?: TraceContext
  /** The run in which it was made; absent outside a run. */
  readonly runId?: string
  /** The step in which it was made; absent outside a step. */
  readonly stepId?: string
  /** The effect that made it; absent outside an effect. */
  readonly effectId?: string
  /** The entries that the step had read at that time, as `key@version`. */
  readonly readFrom?: readonly string[]
  /** True if the writer named the taint labels itself: a private value has these alone. */
  readonly taintDeclared?: true
}

/** A taint label: a kind and its source, such as `untrusted:web` or `sensitive:payroll`. Derived values inherit it. */
export type TaintLabel = `${'untrusted' | 'sensitive'}:${string}`

export interface Envelope {
  readonly principal: Principal
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
  readonly trace?: TraceContext
}

/** Returns the fields of an event context for work below a span; none without a span. */
export const eventContextBelow = (above: TraceContext | undefined) =>
  above ? { trace: above.traceId, span: above.spanId, ...sampledField(above) } : {}

/** Returns the field `isSampled` if the trace is not recorded. */
export const sampledField = (of: Pick<TraceContext, 'isSampled'> | undefined): Pick<TraceContext, 'isSampled'> =>
  of?.isSampled === false ? { isSampled: false } : {}

/** Returns the id of the trace of `root`: a run, a thread or a message. */
export const traceIdOfRoot = (user: UserId, root: string): string => hashText(`${user}\n${root}`).slice(0, 32)

/** Returns the id of the span of a step. It is derived, so that a step that is executed again, in any process, has the same. */
export const spanIdOf = (user: UserId, step: string): string => hashText(`${user}\n${step}`).slice(0, 16)

/** The maximal number of sources per kind. Further sources are summarised as `untrusted:*`. */
export const maxSources = 16

/**
 * Returns the union of labels, sorted and bounded: a value that is derived from several values has the taint of each. The
 * result does not depend on the order.
 */
export function joinTaint(...taints: readonly (readonly TaintLabel[] | undefined)[]): readonly TaintLabel[] {
  const labelled = taints.flatMap((taint) => (taint?.length ? [taint] : []))
  if (labelled.length === 0) return none
  const all = [...new Set([...new Set(labelled)].flat())].sort()
  return all.length <= maxSources ? all : [...bounded(all, 'sensitive'), ...bounded(all, 'untrusted')]
}
const none: readonly TaintLabel[] = Object.freeze([])

function bounded(all: readonly TaintLabel[], kind: 'untrusted' | 'sensitive'): readonly TaintLabel[] {
  const rest: TaintLabel = `${kind}:*`
  const own = all.filter((label) => label.startsWith(`${kind}:`))
  if (own.length <= maxSources) return own
  return [rest, ...own.filter((label) => label !== rest).slice(0, maxSources - 1)].sort()
}

/** Returns the field `taint` if there are labels; most values have none. */
export const taintField = (taint: readonly TaintLabel[] | undefined): { readonly taint?: readonly TaintLabel[] } =>
  taint && taint.length > 0 ? { taint } : {}

/** Returns the labels of a private value. The writer may have declared them; else `privateLabels` join them. */
export const taintOfPrivate = (
  { taint, provenance }: Pick<Envelope, 'taint' | 'provenance'>,
  privateLabels: readonly TaintLabel[],
): readonly TaintLabel[] => (provenance.taintDeclared ? taint : joinTaint(taint, privateLabels))

/** @throws ValidationError unless it is a list of labels */
export function checkTaint(taint: readonly string[] | undefined, what: string): readonly TaintLabel[] {
  if (taint === undefined) return none
  const problem = 'taint is a list of labels such as untrusted:mail or sensitive:payroll'
  const isLabel = (label: unknown): label is TaintLabel =>
    typeof label === 'string' && /^(untrusted|sensitive):[^\p{Cc}]{1,100}$/u.test(label)
  if (!isListOf(taint, isLabel)) throw invalidInput(what, problem)
  return joinTaint(taint, [])
}
