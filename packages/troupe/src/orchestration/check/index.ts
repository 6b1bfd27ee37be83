/** Checks of a team before it runs. */
export { checkTopology, type Finding, type FindingCode, type Severity } from './check-topology.ts'
