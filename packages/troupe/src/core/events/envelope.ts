/**
 * Who did it, where it came from, what clings to it: one shape in every entry, message, tool result, effect and model
 * call. Only the shape is here; the rules about it are in `security`.
 */
import { failure } from '../errors/failure.ts'
import { hashText } from '../values/json.ts'

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

/** So many sources of a kind are told apart; more are `untrusted:*` besides the first ones. */
export const maxSources = 16

/**
 * The labels of all, each once, sorted and bounded: what is made of several things has the taint of each. In whichever
 * order things are joined, the labels come out the same.
 */
export function joinTaint(...taints: readonly (readonly TaintLabel[] | undefined)[]): readonly TaintLabel[] {
  const [only, ...others] = taints.filter((taint) => taint !== undefined && taint.length > 0)
  if (!only) return none
  const all = [...new Set([only, ...others].flatMap((taint) => taint as readonly TaintLabel[]))].sort()
  return all.length <= maxSources ? all : [...bounded(all, 'sensitive'), ...bounded(all, 'untrusted')]
}
const none: readonly TaintLabel[] = Object.freeze([])

function bounded(all: readonly TaintLabel[], kind: 'untrusted' | 'sensitive'): readonly TaintLabel[] {
  const rest: TaintLabel = `${kind}:*`
  const own = all.filter((label) => label.startsWith(`${kind}:`))
  if (own.length <= maxSources) return own
  return [rest, ...own.filter((label) => label !== rest).slice(0, maxSources - 1)].sort()
}

/** As a field where there are any: most of what is stored has none. */
export const taintField = (taint: readonly TaintLabel[] | undefined): { readonly taint?: readonly TaintLabel[] } =>
  taint && taint.length > 0 ? { taint } : {}

/** @throws ValidationError for what is no list of labels */
export function checkTaint(taint: readonly string[] | undefined, what: string): readonly TaintLabel[] {
  if (taint === undefined) return none
  const problem = 'taint is a list of labels such as untrusted:mail or sensitive:payroll'
  const isLabel = (label: unknown) =>
    typeof label === 'string' && /^(untrusted|sensitive):[^\p{Cc}]{1,100}$/u.test(label)
  if (!Array.isArray(taint) || !taint.every(isLabel)) throw failure('validation.failed', { what, problem })
  return joinTaint(taint as readonly TaintLabel[], [])
}
