/** Sources of tools that are known only after the source is asked, such as the tools of an MCP server. */
import { type Clock, type Events, type Json, type Random, readable } from '../core/index.ts'
import type { Log } from '../observability/index.ts'
import type { BoundedEvaluator, Fetch, Secrets, ToolChange, ToolPins } from '../security/index.ts'
import type { Tool } from './define-tool.ts'

/** The services of a troupe for the sources that it opens. */
export interface SourceHost {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly secrets: Pick<Secrets, 'reveal'>
  readonly toolPins: ToolPins
  /** Compiles and matches the regular expressions of a source, within a time limit. */
  readonly evaluator: BoundedEvaluator
  readonly log: Log
  /** Returns a `fetch` for a URL, within the egress rules. */
  readonly fetchFor: (url: string) => Fetch
}

export interface SourceTools {
  readonly tools: readonly Tool[]
  /** True if the descriptions come from an untrusted source, so that a step that is offered the tools carries its label. */
  readonly describedByOthers: boolean
}

export interface OpenedSource {
  /**
   * Returns the present tools, and the changes that wait for approval. Called once a step, and recorded, so that a
   * replayed step offers the same tools.
   */
  discover(): Promise<{
    readonly listed: Json
    readonly changes: readonly ToolChange[]
    /** The offered tools whose descriptions no person has approved. */
    readonly unapproved: readonly ToolChange[]
  }>
  /** Returns the tools of a list that `discover` has returned, without a request to the source. */
  toolsOf(listed: Json): Promise<SourceTools>
  close(): Promise<void>
}

const brand = Symbol.for('troupe.tool-source')

/**
 * A source of tools that are known only after it is asked, such as those of an MCP server. A source is a definition
 * like a tool: it can belong to any number of agents, and each troupe opens it when a step needs it.
 */
export interface ToolSource {
  /** The name of the source. The names of its tools begin with `NAME_`. */
  readonly name: string
  /** The taint label of its results: `untrusted:SOURCE`. */
  readonly untrusted: string
  /** True if it may have tools that act outside without an approval. */
  readonly hasSideEffects: boolean
  /** The settings that are part of the fingerprint of an agent, without secrets. */
  readonly settings: Json
  /** Opens the source for a troupe. */
  open(host: SourceHost): OpenedSource
}

export const createToolSource = <Source extends ToolSource>(source: Source): Source =>
  Object.freeze({ ...source, [brand]: true })

/** @throws ValidationError for what cannot be read */
export const isToolSource = (value: unknown): value is ToolSource =>
  typeof value === 'object' && value !== null && readable('A source of tools', () => brand in value)
