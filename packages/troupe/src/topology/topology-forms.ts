/** The ways in which a team is written down; all of them become one canonical form. */
import type { Agent } from '../agents/index.ts'
import type { Duration } from '../core/index.ts'
import type { CanonicalTopology, Condition, EdgeType, FailurePolicy, Join } from './canonical/canonical-topology.ts'
import type { RunConfig } from './canonical/run-config.ts'
import type { Finding } from './check/finding.ts'

/** What a node of the string form may be told. Durations as texts. */
export interface NodeOptions {
  readonly join?: Join
  readonly deadline?: Duration
  readonly onFailure?: FailurePolicy
  /** How many of its steps may run at once. */
  readonly limit?: number
}

/** What an edge may be told. */
export interface EdgeOptions {
  readonly type?: EdgeType
  readonly when?: Condition
  /** Single turns of a `<~>`. */
  readonly maxTurns?: number
  /** How often it may be taken in a run. */
  readonly limit?: number
}

/** A team inside a team: its agents become part of the same run, under names like `Team/Agent`. */
export interface NestedTeam {
  readonly name: string
  readonly topology: TopologyForm
}

export interface StringForm {
  /** The first one starts where no flow says so. */
  readonly agents: readonly (Agent | NestedTeam)[]
  /** `A -> B`, `A <-> B`, `A <~> B`, `A => {B, C}`; `Start`, `End` and `User` need not be declared. */
  readonly flows: readonly string[]
  readonly nodes?: { readonly [name: string]: NodeOptions }
  /** By the flow as it is written. */
  readonly edges?: { readonly [flow: string]: EdgeOptions }
  /** Nodes of which only so many work at once; others wait for an instance. */
  readonly pools?: { readonly [name: string]: { readonly size: number } }
  readonly config?: RunConfig
}

export interface ObjectNode extends NodeOptions {
  readonly name: string
  readonly kind: 'start' | 'end' | 'user' | 'agent' | 'pool' | 'topology'
  /** The definition, or its name where `agents` are passed. */
  readonly agent?: Agent | string
  /** Of a pool. */
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

/** A compiled team: the canonical form, and the code of its agents by name. */
export interface CompiledTopology<Out = unknown> {
  /** The type of what a run of it responds with, for the compiler alone: no topology has a value there. */
  readonly types?: { readonly output: Out }
  /** What the pattern that made it has to say to `check`. */
  readonly findings?: readonly Finding[]
  readonly canonical: CanonicalTopology
  readonly agents: ReadonlyMap<string, Agent>
  toJSON(): CanonicalTopology
}

export type TopologyForm<Out = unknown> = StringForm | ObjectForm | CanonicalTopology | CompiledTopology<Out>
