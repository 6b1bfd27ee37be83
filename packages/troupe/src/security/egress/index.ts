/** What goes out, and where it may go. */
export { checkEgress, createEgress, type Egress, type EgressOptions, type EgressParts, type Fetch } from './egress.ts'
export type { Lookup } from './guarded-agent.ts'
