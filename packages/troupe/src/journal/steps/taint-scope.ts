/**
 * The labels of what is read within a step, or within one of its tool calls. A scope has the labels of the enclosing
 * scopes; labels that are added to it stay in it until its owner passes them on.
 */
import { joinTaint, type TaintLabel } from '../../core/index.ts'

export class TaintScope {
  readonly #around: TaintScope | undefined
  readonly #sources = new Map<TaintLabel, string>()
  #own: readonly TaintLabel[]

  /** @param around the enclosing scope, whose labels this scope includes */
  constructor(own: readonly TaintLabel[] = [], around?: TaintScope) {
    this.#own = joinTaint(own)
    this.#around = around
  }

  /** The labels of this scope without those of the enclosing scopes. */
  get own(): readonly TaintLabel[] {
    return this.#own
  }

  get taint(): readonly TaintLabel[] {
    return this.#around ? joinTaint(this.#around.taint, this.#own) : this.#own
  }

  /** @param source the origin of the labels: a tool call, or an entry as `key@version` */
  add(labels: readonly TaintLabel[], source?: string): void {
    for (const label of labels) if (source !== undefined && !this.#sources.has(label)) this.#sources.set(label, source)
    if (labels.some((label) => !this.#own.includes(label))) this.#own = joinTaint(this.#own, labels)
  }

  /** Returns the first origin of the label; undefined if it was before the step. */
  sourceOf(label: TaintLabel): string | undefined {
    return this.#sources.get(label) ?? this.#around?.sourceOf(label)
  }

  clear(): void {
    this.#own = []
  }
}
