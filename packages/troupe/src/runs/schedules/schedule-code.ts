/** The code that schedules need: what the troupe was opened with, and what came with a schedule that was created here. */
import type { Agent } from '../../agents/index.ts'
import type { ContextMesh } from '../../context/index.ts'
import { failure, type TaintLabel } from '../../core/index.ts'
import { type CompiledTopology, defineTopology } from '../../topology/index.ts'
import { resolveTeam, type TeamReference } from '../engine/starts/resolve-team.ts'
import { type Known, RunCode } from '../engine/starts/run-code.ts'
import type { StoredSpec } from './schedule-spec.ts'

/** What set a schedule off. Moments are ISO text. */
export type ScheduleTrigger =
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
  trigger: ScheduleTrigger,
  clients: {
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

  /** @throws ValidationError where several teams or none are named; NotFoundError `team.unknown` */
  compile(reference: TeamReference): CompiledTopology {
    return resolveTeam(this.#known, reference, 'schedules.create')
  }

  /** Keeps code that no list of the troupe may name, for as long as this process lives. */
  remember(key: string, agents: ReadonlyMap<string, Agent>): void {
    this.#agents.remember(key, agents)
  }
  forget(prefix: string): void {
    this.#agents.forget(prefix)
  }

  /** @throws NotFoundError `team.unknown`; ValidationError `schedule.invalid`; ConflictError `run.agents_missing` */
  of(key: string, id: string, { team, agent, topology, prepare }: StoredSpec): CompiledTopology {
    if (prepare !== undefined && !Object.hasOwn(this.prepare, prepare))
      throw failure('schedule.invalid', { what: 'prepare', problem: `${prepare} is not registered in this process` })
    if (!topology) return this.compile({ team, agent } as TeamReference)
    const { canonical, agents } = topology
    const code = this.#agents.of(key, id, agents, { topology: canonical })
    return defineTopology(canonical, { agents: [...code.values()] })
  }
}
