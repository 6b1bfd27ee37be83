/** A pattern with options that may have built a topology. */
import type { Runs } from 'troupe'

/** An agent in the options of a pattern. */
export interface AgentReference {
  readonly agent: string
}
/** A function in the options of a pattern, which no server shows. */
export interface CodeReference {
  readonly code: string
}
export type PatternOption =
  | AgentReference
  | CodeReference
  | string
  | number
  | boolean
  | readonly PatternOption[]
  | { readonly [name: string]: PatternOption }

export type Link = readonly [from: string, to: string, more?: Partial<Runs.CanonicalEdge>]

/** A pattern with all that it builds. */
export interface Candidate {
  readonly name: string
  readonly options: { readonly [option: string]: PatternOption }
  /** The agent nodes in their order. */
  readonly nodes: readonly Runs.CanonicalNode[]
  readonly links: readonly Link[]
  /** The run configuration without the part that the pattern sets; that of the topology by default. */
  readonly config?: Runs.CanonicalTopology['config'] | undefined
}

export const reference = (agent: string): AgentReference => ({ agent })
export const node = (name: string, more: Partial<Runs.CanonicalNode> = {}): Runs.CanonicalNode => ({
  name,
  kind: 'agent',
  agent: name,
  ...more,
})
export const both = (one: string, other: string): readonly Link[] => [
  [one, other],
  [other, one],
]
export const around = (hub: string, others: readonly string[]): readonly Link[] => [
  ['Start', hub],
  ...others.flatMap((other) => both(hub, other)),
  [hub, 'End'],
]
