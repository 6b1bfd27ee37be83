/**
 * Finds the texts of a prompt: plain texts unchanged, and the strings of JSON, each with the plain values of its object
 * (a path, a line, a title), so that a quotation has its origin.
 */
import type { JSONObject, JSONValue } from '@ai-sdk/provider'
import { truncateText } from '../../../core/index.ts'

export type Facts = Readonly<Record<string, string | number | boolean>>

export interface TextSource {
  readonly text: string
  readonly facts: Facts
}

export interface FoundSources {
  readonly sources: TextSource[]
  /** Passages that a tool or the user has chosen: the objects with a `quote`. They are quoted whole, in their order. */
  readonly quotations: TextSource[]
  /** The plain values of every JSON object, also of objects without a text. */
  readonly records: Facts[]
}

/** The maximal number of characters, objects and levels that are read of one prompt. */
const limits = { characters: 4_000_000, records: 5_000, depth: 12 }

/** Collects from texts and JSON values until the limits are reached. */
export class SourceReader {
  readonly found: FoundSources = { sources: [], quotations: [], records: [] }
  #characters = 0
  #cut = false

  /** Whether something was left unread because the prompt is larger than the limits. */
  get cut(): boolean {
    return this.#cut
  }

  /** Reads a text, which may be JSON. */
  text(text: string): void {
    const value = parsed(text)
    if (value === undefined) this.#push(text, {})
    else this.value(value)
  }

  /** Reads a JSON value. */
  value(value: JSONValue, facts: Facts = {}, depth = 0): void {
    if (depth > limits.depth) this.#cut = true
    else if (typeof value === 'string') {
      const inner = depth < limits.depth ? parsed(value) : undefined
      if (inner === undefined) this.#push(value, facts)
      else this.value(inner, facts, depth + 1)
    } else if (isList(value)) for (const item of value) this.value(item, facts, depth + 1)
    else if (value !== null && typeof value === 'object') this.#object(value, facts, depth)
  }

  #object(object: Readonly<JSONObject>, outer: Facts, depth: number): void {
    const own: Record<string, string | number | boolean> = {}
    const inner: JSONValue[] = []
    for (const [key, value] of Object.entries(object)) {
      if (typeof value === 'number' || typeof value === 'boolean') own[key] = value
      else if (typeof value === 'string' && !isText(key, value)) own[key] = value
      else if (value !== undefined && value !== null) inner.push(value)
    }
    if (this.found.records.length === limits.records) {
      this.#cut = true
      return
    }
    if (Object.keys(own).length > 0) this.found.records.push(own)
    const { quote } = object
    if (typeof quote === 'string' && quote.trim() !== '') {
      const { quote: _, ...facts } = own
      this.found.quotations.push({ text: quote, facts: { ...outer, ...facts } })
      return
    }
    for (const value of inner) this.value(value, { ...outer, ...own }, depth + 1)
  }

  #push(text: string, facts: Facts): void {
    const remaining = limits.characters - this.#characters
    if (text.length > remaining) this.#cut = true
    if (remaining <= 0 || text.trim() === '') return
    this.#characters += text.length
    this.found.sources.push({ text: truncateText(text, remaining), facts })
  }
}

function isList(value: JSONValue): value is readonly JSONValue[] {
  return Array.isArray(value)
}

const named =
  /^(?:path|file|document|uri|url|id|key|name|title|heading|section|author|date|agent|agent_?name|type|kind)$/i

/** Returns whether a string is a text to quote from, and not a label. */
function isText(key: string, value: string): boolean {
  return !named.test(key) && (value.includes('\n') || value.trim().split(/\s+/).length >= 3)
}

/** Returns the object or the array of a text that is JSON; undefined for every other text. */
export function parsed(text: string): JSONValue | undefined {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed) || !/[\]}]$/.test(trimmed)) return undefined
  try {
    const value: JSONValue = JSON.parse(trimmed)
    return value
  } catch {
    return undefined
  }
}
