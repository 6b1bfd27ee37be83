/** The types of a simulation for its scenario. */
import { type Clock, checkText, type Ids, type Json, type Random } from '../../core/index.ts'
import type { Disk, FaultKind, Faults } from '../../storage/index.ts'

/** A simulated process. After a kill, its clock and its storage do nothing that was requested before. */
export interface SimulatedNode {
  /** The name of the node. */
  readonly name: string
  /** The number of its starts, from 1. */
  readonly incarnation: number
  /** The clock of the node. */
  readonly clock: Clock
  /** The random numbers of the node. */
  readonly random: Random
  /** The ids of the node. */
  readonly ids: Ids
  /**
   * Returns the option `faults` for `createTroupe({ storage: 'memory:', faults })`: data is stored on this disk,
   * commits and their answers are delayed, and the storage fails at the rates of the simulation.
   */
  faults(disk: Disk): Faults
}

/** The options of a simulated process. */
export interface SimulatedNodeOptions {
  /** The number of kills, each before an event that the seed chooses; 0 by default. */
  readonly kills?: number
  /** The number of first events after a start among which the seed chooses that event; 300 by default. */
  readonly within?: number
  /** The numbers of the events before which the node is killed, one for each start, in place of `kills`. */
  readonly killAt?: readonly number[]
  /** The longest simulated time in ms until the node restarts; 2,000 by default. */
  readonly restartMs?: number
}

/** A simulated process, as the scenario sees it. */
export interface NodeHandle<Service> {
  /** The number of its kills so far. */
  readonly kills: number
  /**
   * Calls a function on the node as soon as the node runs, after a simulated delay.
   * @throws NodeLost if the node was killed before it answered; the outcome is then unknown
   */
  call<T>(run: (service: Service, node: SimulatedNode) => T | Promise<T>): Promise<T>
  /** Kills the node now; it restarts. */
  kill(): void
  /**
   * Suspends the node for this number of ms, as SIGSTOP does. Events that become due meanwhile happen when it resumes.
   */
  freeze(ms: number): void
  /** Ends the kills that the seed chooses. */
  spare(): void
  /** Changes the wall clock of the node by this number of ms; durations are not affected. */
  skew(ms: number): void
}

/** A simulation of one seed, as the scenario sees it. */
export interface Simulation {
  /** The name of the seed. */
  readonly seed: string
  /** The random numbers of the scenario, independent of those of the nodes. */
  readonly random: Random
  /** The clock of the scenario, in simulated time. */
  readonly clock: Clock
  /** The option `options` of `simulate`. */
  readonly options: Json
  /** Returns the disk with this name. It survives the kills of nodes that write on it. */
  disk(name?: string): Disk
  /** Starts a process; `start` is called again after each kill. */
  node<Service>(
    name: string,
    start: (node: SimulatedNode) => Promise<Service>,
    options?: SimulatedNodeOptions,
  ): NodeHandle<Service>
  /**
   * Ends all faults: storages do not fail, clocks are right and nodes are not killed. Work in progress must then end.
   */
  heal(): void
  /** Adds a line to the trace. */
  note(what: string): void
  /** Waits for this number of simulated ms. */
  sleep(ms: number): Promise<void>
  /** Counts an operation, for the numbers of the report. */
  operation(succeeded: boolean): void
}

/** The default export of a scenario module. It rejects if an invariant is broken. */
export type SimulationScenario = (simulation: Simulation) => Promise<void>

/** The faults of the storage in a simulation. */
export interface SimulationFaults {
  /** The probability of an active fault at each batch; 0.05 by default. */
  readonly rate?: number
  /** The probability that a fault is active in a seed; 0.25 by default. */
  readonly active?: number
  /** The faults that can be active; by default `io-before`, `io-after` and `full`. */
  readonly kinds?: readonly FaultKind[]
  /**
   * The only faults that may happen, of those that the seed chooses: kills of nodes and faults of the storage, by their
   * names in `SeedReport.faults`; by default all.
   */
  readonly only?: readonly string[]
}

/** The error of a call on a node that was killed before it answered: the outcome is unknown. */
export class NodeLost extends Error {
  /** The code `process.lost`. */
  readonly code = 'process.lost'
  constructor(node: string) {
    checkText('NodeLost', node)
    super(`${node} was killed before it answered`)
  }
}
