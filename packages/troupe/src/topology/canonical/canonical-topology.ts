/** The canonical form of a topology: versioned JSON without code, which runs pin in their journal. */
import type { Json } from '../../core/index.ts'

/** The kind of a node: where a run starts, where it ends, the person who takes part in it, or an agent. */
export type NodeKind = 'start' | 'end' | 'user' | 'agent'

/**
 * The condition that completes a join. `all`: every branch has arrived. `any`: one branch has arrived, whether it
 * succeeded or failed. `first`: one branch has succeeded.
 */
export type Join =
  | 'all'
  | 'any'
  | 'first'
  | {
      /** The number of branches that must succeed, from 1. */
      readonly quorum: number
    }
  | {
      /**
       * The share of the branches that must succeed, above 0 and up to 1. Branches that can still arrive count, and the
       * number is rounded up.
       */
      readonly ratio: number
    }
/**
 * What a join does with failed branches. `failFast`: it fails as soon as its condition cannot be met. `collect`: it
 * waits for all branches and passes failures on among the results. `continue`: it waits for all branches and passes on
 * the successful results only. `ask`: a person decides about each failure.
 */
export type FailurePolicy = 'failFast' | 'collect' | 'continue' | 'ask'

/**
 * The role of an agent in a pattern. If the role uses a user's function, the function must be passed again with the
 * topology.
 */
export type PatternRole =
  | {
      readonly kind: 'router'
      /** The name of the agent of each route, by the name of the route. */
      readonly routes: { readonly [type: string]: string }
      /** The field of the task that names the route, or `{ code: true }` for a function. */
      readonly by: string | { readonly code: true }
    }
  | {
      readonly kind: 'split'
      /** The name of the agent that gets one item. */
      readonly map: string
      /** The name of the agent that gets the results. */
      readonly reduce: string
      readonly code?: true
    }
  | {
      readonly kind: 'vote'
      /** The names of the voters. A voter with two votes is listed twice. */
      readonly voters: readonly string[]
      /** The number of voters that must return the same value. */
      readonly quorum: number
    }
  | {
      readonly kind: 'blackboard'
      /** The names of the agents that work on the shared context. */
      readonly agents: readonly string[]
      readonly code: true
    }
  | {
      readonly kind: 'plan'
      /** The name of the agent that returns tasks. */
      readonly planner: string
      /** The name of the agent that executes each task. */
      readonly executor: string
    }
  | {
      readonly kind: 'loop'
      /** The name of the agent whose value is checked. */
      readonly body: string
      /** The name of the agent that checks. */
      readonly check: string
      /** The highest number of steps of the body. */
      readonly max: number
    }

/** A node of a topology. */
export type CanonicalNode = {
  /** The name, unique in the topology. */
  readonly name: string
  /** The kind of the node. */
  readonly kind: NodeKind
  /** The name of the agent's definition; only for agent nodes. */
  readonly agent?: string
  /** The condition of joins at this node; that of the run's configuration by default. */
  readonly join?: Join
  /** How long joins at this node wait for missing branches, in ms; by default as the run's configuration says. */
  readonly deadline?: number
  /** What joins at this node do with failed branches; by default as the run's configuration says. */
  readonly onFailure?: FailurePolicy
  /** The highest number of its concurrent steps; absent for no limit. */
  readonly limit?: number
  /** The agent is built in and is created from this role. */
  readonly role?: PatternRole
}

/**
 * `invoke` passes a value on. `notify` starts a branch that is not awaited, although the run ends after it. `query`
 * invokes the target and returns its result. `stream` is an `invoke` that passes on the live parts of the answer too.
 */
export type EdgeType = 'invoke' | 'notify' | 'query' | 'stream'

/** A condition on the value of an edge. All its parts must hold. Values are compared as JSON. */
export type Condition = {
  /** The dotted path of a field of the value, such as `order.total`; by default the complete value. */
  readonly path?: string
  /** The field equals this value. */
  readonly equals?: Json
  /** The field differs from this value or is absent. */
  readonly notEquals?: Json
  /** The field equals one of these values. */
  readonly in?: readonly Json[]
  /** True if the field must be present, false if it must be absent. */
  readonly exists?: boolean
  /** The field is a number greater than this one. */
  readonly greaterThan?: number
  /** The field is a number less than this one. */
  readonly lessThan?: number
}

/** An edge of a topology. */
export type CanonicalEdge = {
  /** The name of the node at which the edge begins. */
  readonly from: string
  /** The name of the node to which the edge leads. */
  readonly to: string
  /** The type of the edge. */
  readonly type: EdgeType
  /** From `=>`: a plain value is sent along all these edges of a node in parallel. */
  readonly fanOut?: true
  /** From `<~>`: a plain value is sent to the other node while turns remain. */
  readonly alternating?: true
  /** The number of single turns of a `<~>`; absent for no limit. */
  readonly maxTurns?: number
  /** The highest number of uses of the edge in a run; absent for no limit. */
  readonly limit?: number
  /** The limit counts the uses since a value last left the node along another edge, instead of all in the run. */
  readonly perPass?: true
  /** The name of the nested team that a value leaves along this edge. `finish` of an agent in the team takes it. */
  readonly leaves?: string
  /**
   * The nested team that a value has left when the condition is checked; empty for a condition in the team of the node. Absent,
   * that of `leaves`.
   */
  readonly checkedAfter?: string
  /**
   * An invocation along this edge returns although its target has no edge back; a node inside the nested team has one.
   */
  readonly returns?: true
  /** The condition on the value; absent, every value may take the edge. */
  readonly when?: Condition
}

/**
 * The canonical form of a topology: JSON without code. `toJSON()` returns it, and `defineTopology(form, { agents })`
 * compiles it.
 */
export type CanonicalTopology = {
  readonly version: 1
  /** The nodes. */
  readonly nodes: readonly CanonicalNode[]
  /** The edges. Their order is the order of branches that start together. */
  readonly edges: readonly CanonicalEdge[]
  /** The default run configuration of a pattern. */
  readonly config?: { readonly [option: string]: Json }
}
