/** The code of runs: the agents of the troupe, and the agents that came with a start. */
import type { Agent, Flow } from '../../../agents/index.ts'
import { canonicalJson, failure } from '../../../core/index.ts'
import type { CanonicalTopology } from '../../../topology/index.ts'
import { type CompiledTopology, defineTopology } from '../../../topology/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { agentsOfCall } from '../calls/pinned-call.ts'

export interface Known {
  /** The code of agents, by name. */
  readonly agents: ReadonlyMap<string, Agent>
  /** The registered teams, by name. Some have agents of their own that `agents` lacks (a router's rule, a loop's check). */
  readonly teams: ReadonlyMap<string, CompiledTopology>
}

/** Returns the name of a team: its registered name, or the name of its only agent. */
export function teamNames({ teams }: Known): (topology: CanonicalTopology) => string | undefined {
  const textOf = (topology: CanonicalTopology) => canonicalJson(topology)
  const names = new Map([...teams].map(([name, { canonical }]) => [textOf(canonical), name]))
  return (topology) => {
    const name = names.size > 0 ? names.get(textOf(topology)) : undefined
    const [only, ...others] = topology.nodes.filter(({ kind }) => kind === 'agent')
    return name ?? (others.length === 0 ? only?.agent : undefined)
  }
}

type Code = ReadonlyMap<string, Agent>

/** About 100 bytes each, for runs whose code no list of the troupe names. */
const maxRemembered = 100_000

export class RunCode {
  readonly #known: Known
  /** The code of released runs and of forks, which the troupe may not have. */
  readonly #latest = new Map<string, Code>()

  constructor(known: Known) {
    this.#known = known
  }

  remember(key: string, agents: Code): void {
    this.#latest.delete(key)
    if (this.#isKnown(agents)) return
    this.#latest.set(key, agents)
    const [oldest] = this.#latest.keys()
    if (this.#latest.size > maxRemembered && oldest !== undefined) this.#latest.delete(oldest)
  }

  #isKnown(agents: Code): boolean {
    const { agents: known, teams } = this.#known
    return (
      [...teams.values()].some((team) => team.agents === agents) ||
      [...agents].every(([name, agent]) => known.get(name) === agent)
    )
  }

  /** @param prefix of the keys of a user's runs */
  forget(prefix: string): void {
    for (const key of this.#latest.keys()) if (key.startsWith(prefix)) this.#latest.delete(key)
  }

  /**
   * Returns the code of the named agents: given agents first, then those of the troupe, then those of the run's pattern.
   * @param names the agents whose code the run needs
   * @throws ConflictError `run.agents_missing`
   */
  of(
    key: string,
    run: string,
    names: readonly string[],
    pinned: Pick<Pinned, 'topology' | 'more'>,
    ownAgents?: Code,
  ): Code {
    return agentsOfCall(this.#ofTopology(key, run, names, pinned, ownAgents), pinned)
  }

  #ofTopology(
    key: string,
    run: string,
    names: readonly string[],
    { topology }: Pick<Pinned, 'topology'>,
    ownAgents?: Code,
  ): Code {
    const pinned = canonicalJson(topology)
    const teams = [...this.#known.teams.values()]
    const known = teams.find((each) => canonicalJson(each.canonical) === pinned)
    if (known) return known.agents
    const own = ownAgents ?? this.#latest.get(key)
    const agents = names.flatMap((name) => own?.get(name) ?? this.#known.agents.get(name) ?? [])
    try {
      const all = defineTopology(topology, { agents }).agents
      for (const { name, incomplete } of all.values())
        if (incomplete !== undefined) throw failure('agent.unknown', { agent: name, known: names.join(', ') })
      return all
    } catch (cause) {
      const found = new Set(agents.map((agent) => agent.name))
      const missing = names.filter((name) => !found.has(name))
      throw failure('run.agents_missing', { run, agents: missing.join(', ') || 'those of its pattern' }, { cause })
    }
  }
}

/** Returns the descriptions of the agents that may be invoked or handed off to, by their names in the topology. */
export function descriptionsOf(
  { invoke, handOff }: Flow,
  nodes: CanonicalTopology['nodes'],
  agents: ReadonlyMap<string, Agent>,
): ReadonlyMap<string, string> {
  // A node has the name of its agent, unless several nodes have one agent.
  const agentOf = (name: string) => agents.get(name) ?? agents.get(nodes.find((one) => one.name === name)?.agent ?? '')
  return new Map([...invoke, ...handOff].map((name) => [name, agentOf(name)?.description ?? '']))
}
