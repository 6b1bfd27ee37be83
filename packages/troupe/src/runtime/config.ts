/** What `createTroupe` takes, checked once: unknown options and wrong values are refused before anything is opened. */
import type { Agent } from '../agents/index.ts'
import type { ContextLimits, Lifecycle } from '../context/index.ts'
import {
  type Clock,
  checkName,
  checkOptions,
  type Duration,
  failure,
  milliseconds,
  type Random,
} from '../core/index.ts'
import type { MessagingConfig } from '../messaging/index.ts'
import type { Price } from '../models/index.ts'
import type { LogLevel } from '../observability/index.ts'
import { type CompiledTopology, defineTopology, type TopologyForm } from '../orchestration/index.ts'
import type { Faults, PostgresOptions, Retention } from '../storage/index.ts'

export interface TroupeConfig {
  /** `memory:`, `sqlite:PATH`, `postgres://…`, or where a PostgreSQL database is and how it is talked to. */
  readonly storage: string | PostgresOptions
  /** The code of runs that this process did not start: they go on by themselves once it is open. */
  readonly agents?: readonly Agent[]
  /** The same for teams whose pattern brings agents of its own. */
  readonly topologies?: Readonly<Record<string, TopologyForm | CompiledTopology>>
  readonly messaging?: MessagingConfig
  readonly presence?: { readonly heartbeat?: Duration }
  readonly context?: {
    readonly limits?: ContextLimits
    readonly lifecycles?: Readonly<Record<string, Lifecycle>>
    readonly cleanup?: Duration
  }
  /**
   * On PostgreSQL: for so long a process that is not heard of keeps its runs; then another one carries them on. 10 s by
   * default, 1 s at least.
   */
  readonly lease?: Duration
  /** US dollars per million tokens, by `provider/model`; goes before the table that is built in. */
  readonly prices?: Readonly<Record<string, Price>>
  readonly retention?: Retention
  /** Refuses the scope `default`. */
  readonly requireUserId?: boolean
  /** What goes to standard error as JSON lines; `warn` by default. */
  readonly log?: LogLevel
  readonly clock?: Clock
  readonly random?: Random
  /** Lets the storage fail as it may in the world; for tests. */
  readonly faults?: Faults
}

const known = [
  'storage',
  'agents',
  'topologies',
  'messaging',
  'presence',
  'context',
  'lease',
  'prices',
  'retention',
  'requireUserId',
  'log',
  'clock',
  'random',
  'faults',
]
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkConfig(config: TroupeConfig): TroupeConfig {
  const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
  if (typeof config !== 'object' || config === null) throw wrong('The configuration', 'it is no object')
  checkOptions('createTroupe', config, known)
  if (typeof config.storage !== 'string' && (typeof config.storage !== 'object' || config.storage === null))
    throw wrong('storage', 'it is not memory:, sqlite:PATH, postgres://… or where a PostgreSQL database is')
  if (config.lease !== undefined) {
    if (typeof config.storage === 'string' && !/^postgres(ql)?:/.test(config.storage))
      throw wrong('lease', 'it is for PostgreSQL: a process that has this storage has all of its runs')
    if (milliseconds(config.lease, 'lease') < 1_000) throw wrong('lease', 'it is at least 1s')
  }
  checkOptions('presence', config.presence ?? {}, ['heartbeat'])
  checkOptions('context', config.context ?? {}, ['limits', 'lifecycles', 'cleanup'])
  if (config.log !== undefined && !levels.includes(config.log))
    throw wrong('log', `it is not one of ${levels.join(', ')}`)
  if (config.requireUserId !== undefined && typeof config.requireUserId !== 'boolean')
    throw wrong('requireUserId', 'it is neither true nor false')
  return config
}

/** @throws ValidationError for two agents of one name */
export function agentsByName(agents: readonly Agent[]): ReadonlyMap<string, Agent> {
  const byName = new Map<string, Agent>()
  for (const agent of agents) {
    const name = checkName('agent', agent?.name)
    const other = byName.get(name)
    if (other && other !== agent)
      throw failure('validation.failed', { what: 'agents', problem: `two are called ${name}` })
    byName.set(name, agent)
  }
  return byName
}

export const compiledTopologies = (
  topologies: Readonly<Record<string, TopologyForm | CompiledTopology>>,
): readonly CompiledTopology[] => Object.values(topologies).map((topology) => defineTopology(topology))
