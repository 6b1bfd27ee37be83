/** `troupe/compat/marsys`: what MARSYS's guides tell a run, in their names. New code uses the `config` of `troupe`. */
export { type ExecutionConfig, executionConfig, type Spelled } from './execution-config.ts'
