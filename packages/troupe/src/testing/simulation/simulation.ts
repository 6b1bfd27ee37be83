/** A simulated world, as whoever writes one sees it. */
import { type Clock, checkText, type Ids, type Json, type Random } from '../../core/index.ts'
import type { Disk, FaultKind, Faults } from '../../storage/index.ts'

/** One process of the world. Its ports die with it: after a kill nothing that they were asked for happens. */
export interface SimulatedNode {
  readonly name: string
  /** 1 for its first life. */
  readonly incarnation: number
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  /**
   * For `createTroupe({ storage: 'memory:', faults })`: its data is on that disk, the commit and its answer come after
   * delays of their own, and the storage fails as the simulation's rates say.
   */
  faults(disk: Disk): Faults
}

export interface SimulatedNodeOptions {
  /** How often it is killed, each time before one of its events that the seed chooses; 0 by default. */
  readonly kills?: number
  /** Among so many first events of a life the fatal one is chosen; 300 by default. */
  readonly within?: number
  /** Kills before exactly these events of its lives, in order, instead. */
  readonly killAt?: readonly number[]
  /** Simulated ms until it is started again, at most; 2,000 by default. */
  readonly restartMs?: number
}

export interface NodeHandle<Service> {
  /** How often it has been killed. */
  readonly kills: number
  /**
   * Runs on the node as soon as it is up, after some delay on the way.
   * @throws NodeLost when it was killed meanwhile: whether what was asked for happened is not known
   */
  call<T>(run: (service: Service, node: SimulatedNode) => T | Promise<T>): Promise<T>
  /** Kills it now; it starts again. */
  kill(): void
  /** Stops it for so many ms, as SIGSTOP does: what falls due meanwhile comes when it wakes. */
  freeze(ms: number): void
  /** No further kills by the seed. */
  spare(): void
  /** Sets its wall clock wrong by so many ms; durations are not touched. */
  skew(ms: number): void
}

export interface Simulation {
  readonly seed: string
  /** The world's own; what it draws does not depend on what nodes draw. */
  readonly random: Random
  readonly clock: Clock
  /** What `simulate({ options })` was given. */
  readonly options: Json
  /** Outlives the nodes that write on it. */
  disk(name?: string): Disk
  /** Starts a process; `start` is run again after each kill. */
  node<Service>(
    name: string,
    start: (node: SimulatedNode) => Promise<Service>,
    options?: SimulatedNodeOptions,
  ): NodeHandle<Service>
  /** From now on the storage does not fail, clocks are right and nobody is killed: what has begun must end. */
  heal(): void
  /** Goes into the trace. */
  note(what: string): void
  sleep(ms: number): Promise<void>
  /** Counts towards the share of operations that succeeded, by which a run counts at all. */
  operation(succeeded: boolean): void
}

/** The default export of a world's module. It rejects when a promise was broken. */
export type SimulationScenario = (simulation: Simulation) => Promise<void>

export interface SimulationFaults {
  /** How likely each is at a batch where it is active; 0.05 by default. */
  readonly rate?: number
  /** How likely each is to be active in a seed; 0.25 by default. */
  readonly active?: number
  /** Those that may be; all but `dead`, after which a process must be started anew, by default. */
  readonly kinds?: readonly FaultKind[]
}

/** The process that was to do something is gone, and whether it did is not known. */
export class NodeLost extends Error {
  readonly code = 'process.lost'
  constructor(node: string) {
    checkText('NodeLost', node)
    super(`${node} was killed before it answered`)
  }
}
