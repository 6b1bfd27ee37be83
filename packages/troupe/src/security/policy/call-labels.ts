/** The taint labels of one tool call: those that the model had read, and the origin of each argument. */
import { joinTaint, type TaintLabel } from '../../core/index.ts'
import type { LabelCondition, LabelTest, Subject } from './condition.ts'

/** A value in the arguments that contains no other values. */
export interface LabelledValue {
  readonly path: readonly string[]
  readonly labels: readonly TaintLabel[]
}

export interface CallLabels {
  /** The labels that the caller had read when it decided on the call. */
  readonly read: readonly TaintLabel[]
  readonly args: readonly LabelledValue[]
}

/** The path of an argument as conditions write it: `args.to`, `args.list.0`, `args["a b"]`. */
export const pathText = (path: readonly string[]): string =>
  path.reduce(
    (text, name) => text + (/^(?:[A-Za-z_$][\w$-]*|\d+)$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`),
    'args',
  )

export const allLabels = ({ read, args }: CallLabels): readonly TaintLabel[] =>
  joinTaint(read, ...args.map(({ labels }) => labels))

/** The labels of an effect of code: code can mix all values that it has read, so each argument carries all labels. */
export const uniformLabels = (taint: readonly TaintLabel[]): CallLabels => ({
  read: taint,
  args: [{ path: [], labels: taint }],
})

/** Returns true if the condition holds; a test of a missing argument is false. */
export function holds(condition: LabelCondition, labels: CallLabels): boolean {
  if (condition.is === 'not') return !holds(condition.part, labels)
  if (condition.is === 'test') return labelsOf(condition.subject, labels).some((label) => fits(condition.test, label))
  const holdsHere = (part: LabelCondition) => holds(part, labels)
  return condition.is === 'and' ? condition.parts.every(holdsHere) : condition.parts.some(holdsHere)
}

function labelsOf(subject: Subject, { read, args }: CallLabels): readonly TaintLabel[] {
  const of = subject.of === 'path' ? args.filter(({ path }) => isAt(path, subject.path)) : args
  const labels = of.flatMap((value) => value.labels)
  return subject.of === 'call' ? [...read, ...labels] : labels
}

/** Matches the value at the path and the values in it, and also a value that contains the path, such as all arguments. */
const isAt = (path: readonly string[], wanted: readonly string[]): boolean =>
  wanted.slice(0, path.length).every((name, i) => name === '*' || name === path[i])

/** `untrusted:*` replaces sources beyond the bound of a set of labels, so it may be any of its kind. */
function fits(test: LabelTest, label: TaintLabel): boolean {
  const at = label.indexOf(':')
  const [kind, source] = [label.slice(0, at), label.slice(at + 1)]
  if ('kind' in test) return kind === test.kind
  return test.source === source || test.source === label || (source === '*' && isOfKind(test.source, kind))
}

const isOfKind = (source: string, kind: string): boolean =>
  source.startsWith(`${kind}:`) || !/^(?:untrusted|sensitive):/.test(source)
