/** The guard of outside changes by taint. */
export {
  type DecidedCall,
  describeDecision,
  type LabelledArgument,
  type NarrowerRules,
  type PolicyDecision,
} from './decide-call.ts'
export { createTaintGuard, type TaintedAction, type TaintGuard } from './taint-guard.ts'
export { describeTaint, isJoined, type PolicyConfig, readTaintPolicy, type TaintPolicy } from './taint-policy.ts'
