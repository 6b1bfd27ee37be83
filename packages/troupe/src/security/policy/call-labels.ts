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

/** Callers write conditions, so many tests of one call must not go through all of its arguments each. */
export function treeOf({ args }: CallLabels): ArgumentTree {
  const root = new ArgumentNode()
  for (const { path, labels } of args) root.add(path, labels)
  return new ArgumentTree([root])
}

class ArgumentNode {
  /** The labels of the value at this path. Most values share one list. */
  readonly own = new Set<readonly TaintLabel[]>()
  /** These labels and those of all values below. */
  readonly within = new Set<readonly TaintLabel[]>()
  readonly parts = new Map<string, ArgumentNode>()

  add(path: readonly string[], labels: readonly TaintLabel[], at = 0): void {
    this.within.add(labels)
    const name = path[at]
    if (name === undefined) return void this.own.add(labels)
    const part = this.parts.get(name) ?? new ArgumentNode()
    this.parts.set(name, part)
    part.add(path, labels, at + 1)
  }
}

/** The values that a part of a path names; several behind a `*`. Each part is computed once. */
class ArgumentTree {
  readonly #nodes: readonly ArgumentNode[]
  #within: ReadonlySet<readonly TaintLabel[]> | undefined
  #own: ReadonlySet<readonly TaintLabel[]> | undefined
  #parts: Map<string, ArgumentTree> | undefined
  #all: ArgumentTree | undefined

  constructor(nodes: readonly ArgumentNode[]) {
    this.#nodes = nodes
  }

  get within(): ReadonlySet<readonly TaintLabel[]> {
    this.#within ??= new Set(this.#nodes.flatMap(({ within }) => [...within]))
    return this.#within
  }

  /** Returns the labels of the values at the path and in it, and of a value that contains the path. */
  labelsAt([name, ...rest]: readonly string[]): ReadonlySet<readonly TaintLabel[]> {
    if (name === undefined) return this.within
    this.#own ??= new Set(this.#nodes.flatMap(({ own }) => [...own]))
    const below = (name === '*' ? this.#anyPart : this.#partsByName.get(name))?.labelsAt(rest)
    return below ? new Set([...this.#own, ...below]) : this.#own
  }

  get #anyPart(): ArgumentTree {
    this.#all ??= new ArgumentTree(this.#nodes.flatMap(({ parts }) => [...parts.values()]))
    return this.#all
  }

  get #partsByName(): Map<string, ArgumentTree> {
    if (this.#parts) return this.#parts
    const named = new Map<string, ArgumentNode[]>()
    for (const { parts } of this.#nodes)
      for (const [name, node] of parts) {
        const known = named.get(name)
        if (known) known.push(node)
        else named.set(name, [node])
      }
    this.#parts = new Map([...named].map(([name, nodes]) => [name, new ArgumentTree(nodes)]))
    return this.#parts
  }
}

/** Returns true if the condition holds; a test of a missing argument is false. */
export function holds(condition: LabelCondition, labels: CallLabels, tree = treeOf(labels)): boolean {
  if (condition.is === 'not') return !holds(condition.part, labels, tree)
  if (condition.is === 'test')
    return labelsOf(condition.subject, labels, tree).some((label) => fits(condition.test, label))
  const holdsHere = (part: LabelCondition) => holds(part, labels, tree)
  return condition.is === 'and' ? condition.parts.every(holdsHere) : condition.parts.some(holdsHere)
}

function labelsOf(subject: Subject, { read }: CallLabels, tree: ArgumentTree): readonly TaintLabel[] {
  const labels = [...(subject.of === 'path' ? tree.labelsAt(subject.path) : tree.within)].flat()
  return subject.of === 'call' ? [...read, ...labels] : labels
}

/** `untrusted:*` replaces sources beyond the bound of a set of labels, so it may be any of its kind. */
function fits(test: LabelTest, label: TaintLabel): boolean {
  const at = label.indexOf(':')
  const [kind, source] = [label.slice(0, at), label.slice(at + 1)]
  if ('kind' in test) return kind === test.kind
  return test.source === source || test.source === label || (source === '*' && isOfKind(test.source, kind))
}

const isOfKind = (source: string, kind: string): boolean =>
  source.startsWith(`${kind}:`) || !/^(?:untrusted|sensitive):/.test(source)
