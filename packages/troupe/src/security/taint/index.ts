/** What taint forbids. */
export { createTaintGuard, type TaintedAction, type TaintGuard } from './taint-guard.ts'
export { describeTaint, isJoined, type PolicyConfig, readTaintPolicy, type TaintPolicy } from './taint-policy.ts'
