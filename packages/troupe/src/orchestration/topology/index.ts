/** Topologies: who may invoke whom, in any of three forms, and ready ones. */
export type * from '../core/canonical.ts'
export { defineTopology } from './define-topology.ts'
export type * from './forms.ts'
export { patterns } from './patterns.ts'
