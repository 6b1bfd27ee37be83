/** Simulation of nodes, clocks, random numbers and disks, which a seed determines. */
export type { SeedReport } from './run-seed.ts'
export { type SimulationReport, simulate } from './simulate.ts'
export type { SimulateOptions } from './simulate-options.ts'
export {
  type NodeHandle,
  NodeLost,
  type SimulatedNode,
  type SimulatedNodeOptions,
  type Simulation,
  type SimulationFaults,
  type SimulationScenario,
} from './simulation.ts'
