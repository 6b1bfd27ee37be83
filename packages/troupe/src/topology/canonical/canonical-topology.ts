/** The one canonical form of a topology: JSON, versioned, what runs pin in their journal. No code in it. */
import type { Json } from '../../core/index.ts'

export type NodeKind = 'start' | 'end' | 'user' | 'agent'

/** When the branches that meet at a node go on. */
export type Join = 'all' | 'any' | 'first' | { readonly quorum: number } | { readonly ratio: number }
export type FailurePolicy = 'failFast' | 'collect' | 'continue' | 'ask'

/** What an agent of a pattern does; where it carries out a user's function, that has to be passed again. */
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
  /** The name of the agent's definition; of agent nodes alone. */
  readonly agent?: string
  readonly join?: Join
  /** Milliseconds. */
  readonly deadline?: number
  readonly onFailure?: FailurePolicy
  /** How many of its steps may run at once. */
  readonly limit?: number
  /** The agent is one of Troupe's own and is made from this. */
  readonly role?: PatternRole
}

export type EdgeType = 'invoke' | 'notify' | 'query' | 'stream'

/** Looks at the value that would go along an edge; `path` is dotted, absent = the whole value. */
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
  /** Of `=>`: a plain value goes along all of these of a node, in parallel. */
  readonly fanOut?: true
  /** Of `<~>`: a plain value goes to the other one while turns are left. */
  readonly alternating?: true
  /** Single turns of a `<~>`. */
  readonly maxTurns?: number
  /** How often the edge may be taken in a run. */
  readonly limit?: number
  /** An invocation along it comes back though its target has no edge back: the inside of a nested team has one. */
  readonly returns?: true
  readonly when?: Condition
}

export type CanonicalTopology = {
  readonly version: 1
  readonly nodes: readonly CanonicalNode[]
  readonly edges: readonly CanonicalEdge[]
  /** Of a pattern: what a run is told where it says nothing else. */
  readonly config?: { readonly [option: string]: Json }
}
