/** What a run is told besides its topology: read once, checked, and pinned with all durations in milliseconds. */
import type { Json } from '../../core/index.ts'
import type { PolicyRule } from '../../security/index.ts'
import type { FailurePolicy, Join } from './canonical-topology.ts'

/** The bounds of a run over its whole tree; `time` in milliseconds, `cost` in US dollars. */
export type Budgets = {
  readonly steps: number
  readonly depth: number
  readonly hops: number
  /** Branches that are open at the same moment. */
  readonly branches: number
  readonly tokens?: number
  readonly cost?: number
  readonly time: number
}

/** Milliseconds; absent = none. `tool` and `model` are kept by the step, the others by the core. */
export type Timeouts = {
  readonly run?: number
  readonly branch?: number
  readonly step?: number
  readonly tool?: number
  readonly model?: number
  readonly acquisition?: number
  readonly human?: number
  /** For how long a step whose code ignores its signal holds its run after it was told to stop; 10 s by default. */
  readonly grace?: number
}

export type RetryRule = {
  /** All attempts, the first included. */
  readonly attempts: number
  /** Milliseconds before the second attempt; doubles, up to 60 s, less up to half of it by jitter. */
  readonly backoff: number
}

/** What becomes of a step that failed: `retry` first, then the agent, then a person, or the value; `fail` where nothing is named. */
export type ErrorRule = {
  readonly retry?: RetryRule
  readonly agent?: string
  readonly value?: Json
  readonly ask?: true
}

export type Guards = {
  /** Kept by the step, which counts its own tool calls. */
  readonly repetition: { readonly nudge: number; readonly stop: number } | false
  readonly pingPong: { readonly hops: number } | false
  readonly noProgress: { readonly steps: number } | false
}

/** Where the run stops to be looked at. */
export type BreakOn =
  | { readonly on: 'error' }
  | { readonly on: 'agent'; readonly agent: string }
  | { readonly on: 'tool'; readonly tool: string }
  | { readonly on: 'seq'; readonly seq: number }

/** Rules of one origin; those of each narrow the others. */
export type PinnedPolicy = { readonly of: string; readonly rules: readonly Pick<PolicyRule, keyof PolicyRule>[] }

export type PinnedConfig = {
  readonly budget: Budgets
  readonly timeouts: Timeouts
  readonly join: Join
  /** Milliseconds that a join waits for missing branches. */
  readonly deadline?: number
  readonly onFailure: FailurePolicy
  /** By error code, class name, or `*`. */
  readonly onError: { readonly [kind: string]: ErrorRule }
  readonly retry?: RetryRule
  readonly guards: Guards
  /** 1 where `allowParallel` is false. */
  readonly maxParallelBranches: number
  readonly verbosity: 'quiet' | 'normal' | 'verbose'
  readonly showAgentThoughts: boolean
  readonly showToolCalls: boolean
  readonly trace: boolean
  readonly debug?: { readonly breakOn: readonly BreakOn[] }
  /** Of the team, of the caller, and of the runs above. */
  readonly policies?: readonly PinnedPolicy[]
}
