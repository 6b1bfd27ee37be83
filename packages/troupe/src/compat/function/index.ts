/** `troupe/compat/function`: a function of others as an agent. */
export type { ForeignCall, ForeignOptions } from '../foreign/foreign-agent.ts'
export { type FunctionCall, fromFunction } from './from-function.ts'
