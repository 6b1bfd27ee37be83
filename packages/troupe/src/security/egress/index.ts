/** Outgoing HTTP under the egress rules. */
export { checkEgress, type Egress, type EgressOptions, type EgressParts, type Fetch, openEgress } from './egress.ts'
export type { Lookup } from './guarded-agent.ts'
