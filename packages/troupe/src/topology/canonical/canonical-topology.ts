/** The canonical form of a topology: versioned JSON without code, which runs pin in their journal. */
import type { Json } from '../../core/index.ts'

export type NodeKind = 'start' | 'end' | 'user' | 'agent'

/** The condition that completes a join of branches. */
export type Join = 'all' | 'any' | 'first' | { readonly quorum: number } | { readonly ratio: number }
export type FailurePolicy = 'failFast' | 'collect' | 'continue' | 'ask'

/**
 * The role of an agent in a pattern. If the role uses a user's function, the function must be passed again with the
 * topology.
 */
export type PatternRole =
  | {
      readonly kind: 'router'
      readonly routes: { readonly [type: string]: string }
      readonly by: string | { readonly code: true }
    }
  | { readonly kind: 'split'; readonly map: string; readonly reduce: string; readonly code?: true }
  | { readonly kind: 'vote'; readonly voters: readonly string[]; readonly quorum: number }
  | { readonly kind: 'blackboard'; readonly agents: readonly string[]; readonly code: true }
  | { readonly kind: 'plan'; readonly planner: string; readonly executor: string }
  | { readonly kind: 'loop'; readonly body: string; readonly check: string; readonly max: number }

export type CanonicalNode = {
  readonly name: string
  readonly kind: NodeKind
  /** The name of the agent's definition; only for agent nodes. */
  readonly agent?: string
  readonly join?: Join
  /** In milliseconds. */
  readonly deadline?: number
  readonly onFailure?: FailurePolicy
  /** The maximum number of its concurrent steps. */
  readonly limit?: number
  /** The agent is built in and is created from this role. */
  readonly role?: PatternRole
}

export type EdgeType = 'invoke' | 'notify' | 'query' | 'stream'

/** A condition on the value of an edge; `path` is dotted, and refers to the whole value by default. */
export type Condition = {
  readonly path?: string
  readonly equals?: Json
  readonly notEquals?: Json
  readonly in?: readonly Json[]
  readonly exists?: boolean
  readonly greaterThan?: number
  readonly lessThan?: number
}

export type CanonicalEdge = {
  readonly from: string
  readonly to: string
  readonly type: EdgeType
  /** From `=>`: a plain value is sent along all these edges of a node in parallel. */
  readonly fanOut?: true
  /** From `<~>`: a plain value is sent to the other node while turns remain. */
  readonly alternating?: true
  /** The number of single turns of a `<~>`. */
  readonly maxTurns?: number
  /** The maximum number of uses of the edge in a run. */
  readonly limit?: number
  /**
   * An invocation along this edge returns although its target has no edge back; a node inside the nested team has one.
   */
  readonly returns?: true
  readonly when?: Condition
}

export type CanonicalTopology = {
  readonly version: 1
  readonly nodes: readonly CanonicalNode[]
  readonly edges: readonly CanonicalEdge[]
  /** The default run configuration of a pattern. */
  readonly config?: { readonly [option: string]: Json }
}
