/** The forms of a team; all are compiled to the canonical form. */
import type { Agent } from '../agents/index.ts'
import type { Duration } from '../core/index.ts'
import type { CanonicalTopology, Condition, EdgeType, FailurePolicy, Join } from './canonical/canonical-topology.ts'
import type { RunConfig } from './canonical/run-config.ts'
import type { Finding } from './check/finding.ts'

/** The options of a node in the string form. Durations are texts. */
export interface NodeOptions {
  readonly join?: Join
  readonly deadline?: Duration
  readonly onFailure?: FailurePolicy
  /** The maximum number of its concurrent steps. */
  readonly limit?: number
}

/** The options of an edge. */
export interface EdgeOptions {
  readonly type?: EdgeType
  readonly when?: Condition
  /** The number of single turns of a `<~>`. */
  readonly maxTurns?: number
  /** The maximum number of uses of the edge in a run. */
  readonly limit?: number
}

/** A team inside a team: its agents become part of the same run, with names like `Team/Agent`. */
export interface NestedTeam {
  readonly name: string
  readonly topology: TopologyForm
}

export interface StringForm {
  /** The first agent starts unless a flow names another one. */
  readonly agents: readonly (Agent | NestedTeam)[]
  /** `A -> B`, `A <-> B`, `A <~> B`, `A => {B, C}`; `Start`, `End` and `User` need not be declared. */
  readonly flows: readonly string[]
  readonly nodes?: { readonly [name: string]: NodeOptions }
  /** By the flow as it is written. */
  readonly edges?: { readonly [flow: string]: EdgeOptions }
  /** Nodes with a limited number of concurrent steps; further steps wait for an instance. */
  readonly pools?: { readonly [name: string]: { readonly size: number } }
  readonly config?: RunConfig
}

export interface ObjectNode extends NodeOptions {
  readonly name: string
  readonly kind: 'start' | 'end' | 'user' | 'agent' | 'pool' | 'topology'
  /** The definition, or its name if `agents` are passed. */
  readonly agent?: Agent | string
  /** The size of a pool. */
  readonly size?: number
  readonly topology?: TopologyForm
}

export interface ObjectEdge extends EdgeOptions {
  readonly from: string
  readonly to: string
  readonly fanOut?: boolean
  readonly alternating?: boolean
}

export interface ObjectForm {
  readonly nodes: readonly ObjectNode[]
  readonly edges: readonly ObjectEdge[]
  readonly config?: RunConfig
}

/** A compiled team: the canonical form, and the definitions of its agents by name. */
export interface CompiledTopology<Out = unknown> {
  /** The output type of a run, for the compiler only: no topology has a value here. */
  readonly types?: { readonly output: Out }
  /** Findings for `check` of the pattern that built the topology. */
  readonly findings?: readonly Finding[]
  readonly canonical: CanonicalTopology
  readonly agents: ReadonlyMap<string, Agent>
  toJSON(): CanonicalTopology
}

export type TopologyForm<Out = unknown> = StringForm | ObjectForm | CanonicalTopology | CompiledTopology<Out>
