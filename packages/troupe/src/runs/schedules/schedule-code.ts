/** The code of schedules: that of the troupe, and that of schedules which were created in this process. */
import type { Agent } from '../../agents/index.ts'
import type { ContextMesh } from '../../context/index.ts'
import { failure, type TaintLabel } from '../../core/index.ts'
import { type CompiledTopology, defineTopology } from '../../topology/index.ts'
import { resolveTeam, type TeamReference } from '../engine/starts/resolve-team.ts'
import { type Known, RunCode } from '../engine/starts/run-code.ts'
import type { StoredSpec } from './schedule-spec.ts'

/** The trigger of a run. Times are ISO text. */
export type ScheduleTrigger =
  | {
      readonly type: 'time'
      /** The time for which the run was scheduled. */
      readonly due: string
    }
  | {
      readonly type: 'context'
      /** The key of the changed entry. */
      readonly key: string
      /** The version that was written; absent if it is no longer stored. */
      readonly version?: number
      /** The revision of the change. */
      readonly revision: number
    }
  /** Changes may have been missed: the schedule was inactive for longer than single changes are stored. */
  | {
      readonly type: 'context'
      readonly resync: true
      /** The revision up to which changes may have been missed. */
      readonly revision: number
    }
  | {
      readonly type: 'message'
      /** The id of the message. */
      readonly id: string
      /** The name of the sender. */
      readonly from: string
      /** The name of the message type. */
      readonly name: string
      /** The payload of the message. */
      readonly payload: unknown
      /** The taint labels of the payload, which the run inherits. */
      readonly taint?: readonly TaintLabel[]
    }
  | {
      readonly type: 'trigger'
      /** The time of the call of `trigger`. */
      readonly at: string
    }

/**
 * Creates the task of a run. It may be called again for one trigger after a crash, or if another process is faster.
 * @returns a JSON value
 */
export type PrepareTask = (
  trigger: ScheduleTrigger,
  clients: {
    /** The user whose schedule it is. */
    readonly userId: string
    /** The id of the schedule. */
    readonly schedule: string
    /** The context mesh of the user. */
    readonly context: ContextMesh
    /** Aborts when the troupe closes, or after a minute. */
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

  /** @throws ValidationError if several teams or none are named; NotFoundError `team.unknown` */
  compile(reference: TeamReference): CompiledTopology {
    return resolveTeam(this.#known, reference, 'schedules.create')
  }

  /** Stores code that the troupe may not have, for the life of this process. */
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
