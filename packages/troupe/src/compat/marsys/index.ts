/** `troupe/compat/marsys`: the options of MARSYS's guides for a run. New code uses the `config` of `troupe`. */
export { type ExecutionConfig, executionConfig, type Spelled } from './execution-config.ts'
