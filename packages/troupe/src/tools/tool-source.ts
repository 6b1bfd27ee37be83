/**
 * Tools that are known only once somebody is asked, such as those of another's server. A definition, like a tool: it may
 * stand on any number of agents, and belongs to no troupe; each troupe opens it when one of its steps needs it.
 */
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
  /** Compiles and tries what a source wrote. */
  readonly evaluator: BoundedEvaluator
  readonly log: Log
  /** The way out to a url. */
  readonly fetchFor: (url: string) => Fetch
}

export interface SourceTools {
  readonly tools: readonly Tool[]
  /** A model that is offered them reads what an untrusted source wrote: the step carries the label of the source. */
  readonly describedByOthers: boolean
}

export interface OpenedSource {
  /**
   * What there is now, and what waits for approval. Asked once a step, and recorded: a step that is entered again offers
   * the same.
   */
  discover(): Promise<{
    readonly listed: Json
    readonly changes: readonly ToolChange[]
    /** Offered, and described in words that no person approved. */
    readonly unapproved: readonly ToolChange[]
  }>
  /** The tools of such a list; asks nobody. */
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
