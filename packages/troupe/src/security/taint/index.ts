/** What taint forbids. */
export { createTaintGuard, type TaintedAct, type TaintGuard } from './taint-guard.ts'
export { describeTaint, isJoined, type Policy, type PolicyConfig, readPolicy } from './taint-policy.ts'
