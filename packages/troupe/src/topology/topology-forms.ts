/** The forms of a team; all are compiled to the canonical form. */
import type { Agent } from '../agents/index.ts'
import type { Duration } from '../core/index.ts'
import type { CanonicalTopology, Condition, EdgeType, FailurePolicy, Join } from './canonical/canonical-topology.ts'
import type { RunConfig } from './canonical/run-config.ts'
import type { Finding } from './check/finding.ts'

/** The options of a node in the string form. */
export interface NodeOptions {
  /** The condition of joins at this node; by default as the configuration of the run says. */
  readonly join?: Join
  /** How long joins at this node wait for missing branches; by default as the configuration of the run says. */
  readonly deadline?: Duration
  /** What joins at this node do with failed branches; by default as the configuration of the run says. */
  readonly onFailure?: FailurePolicy
  /** The highest number of its concurrent steps; no limit by default. */
  readonly limit?: number
}

/** The options of an edge. */
export interface EdgeOptions {
  /** The type of the edge; `invoke` by default. Only for `->`, and `stream` for `=>`. */
  readonly type?: EdgeType
  /** The condition on the value; absent, every value may take the edge. */
  readonly when?: Condition
  /** The number of single turns of a `<~>`; no limit by default. */
  readonly maxTurns?: number
  /** The highest number of uses of the edge in a run; no limit by default. */
  readonly limit?: number
  /**
   * Whether the limit counts the uses since a value last left the agent along another edge, instead of all in the run;
   * false by default. A ring or a loop that begins several times in a run needs it.
   */
  readonly perPass?: boolean
}

/** A team inside a team: its agents become part of the same run, with names like `Team/Agent`. */
export interface NestedTeam {
  /** The name, which becomes the first part of the names of its nodes. */
  readonly name: string
  /** The team in any form. Its `config` does not apply, because the run has that of the outer team. */
  readonly topology: TopologyForm
}

/** A topology as agents and the flows between them. */
export interface StringForm {
  /** The first agent starts unless a flow names another one. */
  readonly agents: readonly (Agent | NestedTeam)[]
  /** `A -> B`, `A <-> B`, `A <~> B`, `A => {B, C}`; `Start`, `End` and `User` need not be declared. */
  readonly flows: readonly string[]
  /** The options of nodes, by the names of their agents. */
  readonly nodes?: { readonly [name: string]: NodeOptions }
  /** By the flow as it is written. */
  readonly edges?: { readonly [flow: string]: EdgeOptions }
  /** Nodes with a limited number of concurrent steps; further steps wait for an instance. */
  readonly pools?: {
    readonly [name: string]: {
      /** The highest number of concurrent steps. */
      readonly size: number
    }
  }
  /** The default run configuration of the team. */
  readonly config?: RunConfig
}

/** A node in the object form. */
export interface ObjectNode extends NodeOptions {
  /** The name, unique in the topology. */
  readonly name: string
  /**
   * The kind: `pool` for an agent with a limited number of concurrent steps, `topology` for a nested team. By default
   * that of the names Start, End and User, otherwise `agent`, or `topology` where one is given.
   */
  readonly kind?: 'start' | 'end' | 'user' | 'agent' | 'pool' | 'topology'
  /** The definition, or its name if `agents` are passed. */
  readonly agent?: Agent | string
  /** The size of a pool. */
  readonly size?: number
  /** The nested team, for a node of kind `topology`. Its `config` does not apply. */
  readonly topology?: TopologyForm
}

/** An edge in the object form. */
export interface ObjectEdge extends EdgeOptions {
  /** The name of the node at which the edge begins. */
  readonly from: string
  /** The name of the node to which the edge leads. */
  readonly to: string
  /** True for the `=>` of the string form: a plain value is sent along all these edges of a node in parallel. */
  readonly fanOut?: boolean
  /** True for the `<~>` of the string form: a plain value is sent to the other node while turns remain. */
  readonly alternating?: boolean
}

/** A topology as nodes and edges. */
export interface ObjectForm {
  /** The nodes. */
  readonly nodes: readonly ObjectNode[]
  /** The edges. */
  readonly edges: readonly ObjectEdge[]
  /** The default run configuration of the team. */
  readonly config?: RunConfig
}

/** A compiled team: the canonical form, and the definitions of its agents by name. */
export interface CompiledTopology<Out = unknown> {
  /** The output type of a run, for the compiler only: no topology has a value here. */
  readonly types?: {
    /** The type of the response of a run. */
    readonly output: Out
  }
  /** Findings for `check` of the pattern that built the topology. */
  readonly findings?: readonly Finding[]
  /** The canonical form. */
  readonly canonical: CanonicalTopology
  /** The definitions of the agents, by their names. */
  readonly agents: ReadonlyMap<string, Agent>
  /** Returns the canonical form, so that `JSON.stringify` writes it. */
  toJSON(): CanonicalTopology
}

/** A team in any form: strings, objects, the canonical form or a compiled topology. */
export type TopologyForm<Out = unknown> = StringForm | ObjectForm | CanonicalTopology | CompiledTopology<Out>
