/** The policy for outside changes by a step that has read both untrusted input and sensitive data. */
import {
  checkOptions,
  type Duration,
  invalidInput,
  milliseconds,
  nearest,
  show,
  type TaintLabel,
} from '../../core/index.ts'
import { type CompiledRule, compileRules, type PolicyRule } from '../policy/index.ts'

/** The option `policy` of `createTroupe`. */
export interface PolicyConfig {
  /**
   * Rules for calls of tools by the labels of their arguments: the first rule that matches a call decides, and `taint`
   * if none does. `policy: [ … ]` is short for `policy: { rules: [ … ] }`. Rules of a team, an agent or a tool can only
   * narrow what these allow.
   */
  readonly rules?: readonly PolicyRule[]
  /**
   * What happens to an outside change by a step that has read untrusted input and sensitive data. `approve`, the
   * default: a person must approve the exact arguments. `refuse`: it is refused. `report`: it is done, and recorded.
   */
  readonly taint?: 'approve' | 'refuse' | 'report'
  /** Whether the input of people to agents and runs counts as untrusted; `trusted` by default. */
  readonly people?: 'trusted' | 'untrusted'
  /**
   * Whether data of the user counts as sensitive if its writer named no `taint`: memories, entries that are not for
   * everyone, messages without labels, and entries without labels that no step wrote. `sensitive` by default; `plain`:
   * only labels count.
   */
  readonly private?: 'sensitive' | 'plain'
  /** The time after which an approval that is not answered counts as refused; one day by default. */
  readonly approvalTimeout?: Duration
}

export interface TaintPolicy {
  readonly rules: readonly CompiledRule[]
  readonly taint: 'approve' | 'refuse' | 'report'
  /** The labels of the input of people. */
  readonly people: readonly TaintLabel[]
  /** The labels of private data. */
  readonly privateLabels: readonly TaintLabel[]
  readonly approvalTimeout: Duration
}

/** @throws ValidationError naming the option */
export function readTaintPolicy(policy: PolicyConfig | readonly PolicyRule[] = {}): TaintPolicy {
  const config: PolicyConfig = Array.isArray(policy) ? { rules: policy } : (policy as PolicyConfig)
  checkOptions('policy', config, ['rules', 'taint', 'people', 'private', 'approvalTimeout'])
  const { taint = 'approve', people = 'trusted', private: kind = 'sensitive', approvalTimeout = '1d' } = config
  oneOf('private', kind, ['sensitive', 'plain'])
  oneOf('taint', taint, ['approve', 'refuse', 'report'])
  oneOf('people', people, ['trusted', 'untrusted'])
  if (milliseconds(approvalTimeout, 'policy.approvalTimeout') <= 0)
    throw invalidInput('policy.approvalTimeout', 'it must be longer than 0')
  return {
    rules: compileRules(config.rules, 'the troupe'),
    taint,
    people: people === 'untrusted' ? ['untrusted:person'] : [],
    privateLabels: kind === 'sensitive' ? ['sensitive:private'] : [],
    approvalTimeout,
  }
}

function oneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return
  const near = nearest(String(value), known)
  const problem = `it is ${show(value)}, not ${known.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`
  throw invalidInput(`policy.${option}`, problem)
}

/** Untrusted input has met sensitive data: with an outside change, all that it takes to carry data off is there. */
export const isJoined = (taint: readonly TaintLabel[]): boolean =>
  taint.some((label) => label.startsWith('untrusted:')) && taint.some((label) => label.startsWith('sensitive:'))

/** Returns labels for people: `untrusted input (web) and sensitive data (payroll)`. */
export function describeTaint(taint: readonly TaintLabel[]): string {
  const sources = (kind: string) =>
    taint.flatMap((label) => (label.startsWith(`${kind}:`) ? [label.slice(kind.length + 1)] : [])).join(', ')
  return `untrusted input (${sources('untrusted')}) and sensitive data (${sources('sensitive')})`
}
