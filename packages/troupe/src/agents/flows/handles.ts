/**
 * Values that a model passes on without reading them: it sees a handle in their place. A handle is unforgeable (its name
 * comes of recorded random numbers), and known in its conversation alone. The values are stored with the messages of the
 * conversation, are never sent to a model, and carry their labels wherever the handle is resolved.
 */
import { hashText, isObject, type Json, joinTaint, type TaintLabel, textOfValue } from '../../core/index.ts'
import type { LabelledValue } from '../../security/index.ts'
import type { ThreadMessage, ToolResultPart } from '../model/content/model-messages.ts'
import { unsentOf, withUnsent } from '../model/content/unsent.ts'

export interface HiddenValue {
  readonly value: Json
  readonly labels: readonly TaintLabel[]
}

/** A hidden value, as it is stored with the result that its handle replaces. */
type StoredValue = HiddenValue & { readonly handle: string }

export interface ResolvedValue {
  readonly value: Json
  /** The labelled values of its handles, by their positions. */
  readonly labelled: readonly LabelledValue[]
  readonly unknown: readonly string[]
}

const pattern = /handle:[0-9a-f]{32}/g
const isHandle = (text: string) => /^handle:[0-9a-f]{32}$/.test(text)

export class Handles {
  readonly #values = new Map<string, HiddenValue>()
  readonly #random: () => number
  #seed: string | undefined

  /** @param random recorded: a step that is executed again gives the same handles */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Knows the handles of a conversation again. */
  load(messages: readonly ThreadMessage[]): void {
    for (const message of messages)
      if (message.role === 'tool')
        for (const part of message.content)
          for (const { handle, value, labels } of unsentOf<readonly StoredValue[]>(part, 'hidden') ?? [])
            this.#values.set(handle, { value, labels })
  }

  hide(value: Json, labels: readonly TaintLabel[]): string {
    this.#seed ??= `${this.#random()} ${this.#random()}`
    const handle = `handle:${hashText(`${this.#seed} ${this.#values.size}`).slice(0, 32)}`
    this.#values.set(handle, { value, labels: joinTaint(labels) })
    return handle
  }

  find(handle: Json | undefined): HiddenValue | undefined {
    return typeof handle === 'string' ? this.#values.get(handle) : undefined
  }

  /** A text that is a handle becomes its value; in a longer text, it becomes the text of its value. */
  resolve(value: Json): ResolvedValue {
    const labelled: LabelledValue[] = []
    const unknown: string[] = []
    const visit = (inner: Json, path: readonly string[]): Json => {
      if (typeof inner === 'string') return this.#resolveText(inner, path, labelled, unknown)
      if (Array.isArray(inner)) return inner.map((each, i) => visit(each, [...path, String(i)]))
      if (!isObject(inner)) return inner
      return Object.fromEntries(
        Object.entries(inner).map(([name, each]) => [
          this.#resolveName(name, path, labelled, unknown),
          visit(each as Json, [...path, name]),
        ]),
      )
    }
    return { value: visit(value, []), labelled, unknown }
  }

  #resolveName(name: string, path: readonly string[], labelled: LabelledValue[], unknown: string[]): string {
    return textOfValue(this.#resolveText(name, path, labelled, unknown))
  }

  #resolveText(text: string, path: readonly string[], labelled: LabelledValue[], unknown: string[]): Json {
    if (!text.includes('handle:')) return text
    const lookUp = (handle: string): HiddenValue | undefined => {
      const found = this.#values.get(handle)
      if (found) labelled.push({ path, labels: found.labels })
      else unknown.push(handle)
      return found
    }
    if (isHandle(text)) return lookUp(text)?.value ?? (this.#values.has(text) ? null : text)
    return text.replaceAll(pattern, (handle) => {
      const found = lookUp(handle)
      return found ? textOfValue(found.value) : handle
    })
  }

  /** Returns the result with its handles, and with the hidden values for the storage. */
  stored(part: ToolResultPart, handles: readonly string[]): ToolResultPart {
    const hidden = handles.map((handle) => ({ handle, ...(this.#values.get(handle) as HiddenValue) }))
    return hidden.length === 0 ? part : withUnsent(part, 'hidden', hidden)
  }
}
