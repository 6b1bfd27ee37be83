/** Simulation: a world of nodes, clocks, chance and disks that a seed decides. */
export type { SeedReport } from './run-seed.ts'
export { type SimulateOptions, type SimulationReport, simulate } from './simulate.ts'
export {
  type NodeHandle,
  NodeLost,
  type SimulatedNode,
  type SimulatedNodeOptions,
  type Simulation,
  type SimulationFaults,
  type SimulationScenario,
} from './simulation.ts'
