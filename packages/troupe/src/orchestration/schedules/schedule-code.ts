/** The code that schedules need: what the troupe was opened with, and what came with a schedule that was created here. */
import type { Agent } from '../../agents/index.ts'
import type { ContextMesh } from '../../context/index.ts'
import { failure, nearest, type TaintLabel } from '../../core/index.ts'
import { type Known, RunCode } from '../orchestra/run-code.ts'
import { type CompiledTopology, defineTopology, type TopologyForm } from '../topology/define-topology.ts'
import type { StoredSpec } from './schedule-spec.ts'

/** What set a schedule off. Moments are ISO text. */
export type Occasion =
  | { readonly type: 'time'; readonly due: string }
  | { readonly type: 'context'; readonly key: string; readonly version?: number; readonly revision: number }
  /** It was away for longer than changes are kept one by one: there may have been some. */
  | { readonly type: 'context'; readonly resync: true; readonly revision: number }
  | {
      readonly type: 'message'
      readonly id: string
      readonly from: string
      readonly name: string
      readonly payload: unknown
      /** What clings to the payload, and to what the run makes of it. */
      readonly taint?: readonly TaintLabel[]
    }
  | { readonly type: 'trigger'; readonly at: string }

/**
 * Makes a run's task. It may be called again for one occasion where the process dies behind it, or another is faster.
 * @returns what JSON can carry
 */
export type PrepareTask = (
  occasion: Occasion,
  hands: {
    readonly userId: string
    readonly schedule: string
    readonly context: ContextMesh
    /** The troupe closes, or a minute is over. */
    readonly signal: AbortSignal
  },
) => unknown

export class ScheduleCode {
  readonly prepare: Readonly<Record<string, PrepareTask>>
  readonly #known: Known
  readonly #agents: RunCode

  constructor(known: Known, prepare: Readonly<Record<string, PrepareTask>>) {
    this.prepare = prepare
    this.#known = known
    this.#agents = new RunCode(known)
  }

  /** @throws ValidationError `topology.unknown`; what `defineTopology` throws */
  compile(topology: string | TopologyForm): CompiledTopology {
    if (typeof topology !== 'string') return defineTopology(topology)
    const found = this.#known.topologies.get(topology)
    if (found) return found
    const names = [...this.#known.topologies.keys()]
    throw failure('topology.unknown', {
      topology,
      nearest: nearest(topology, names) ?? (names.join(', ') || 'still to be registered'),
    })
  }

  /** Keeps code that no list of the troupe may name, for as long as this process lives. */
  remember(key: string, agents: ReadonlyMap<string, Agent>): void {
    this.#agents.remember(key, agents)
  }
  forget(prefix: string): void {
    this.#agents.forget(prefix)
  }

  /** @throws ValidationError `topology.unknown`, `schedule.invalid`; ConflictError `run.agents_missing` */
  of(key: string, id: string, { topology, prepare }: StoredSpec): CompiledTopology {
    if (prepare !== undefined && !Object.hasOwn(this.prepare, prepare))
      throw failure('schedule.invalid', { what: 'prepare', problem: `${prepare} is not registered in this process` })
    if ('name' in topology) return this.compile(topology.name)
    const { canonical, agents } = topology
    const code = this.#agents.of(key, id, agents, { topology: canonical })
    return defineTopology(canonical, { agents: [...code.values()] })
  }
}
