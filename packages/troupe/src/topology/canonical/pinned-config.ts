/**
 * The configuration of a run besides its topology: read once, checked, and pinned with all durations in milliseconds.
 */
import type { Json } from '../../core/index.ts'
import type { PolicyRule } from '../../security/index.ts'
import type { FailurePolicy, Join } from './canonical-topology.ts'

/** The budgets of a run and its child runs. */
export type Budgets = {
  /** The highest number of started steps, retries included. */
  readonly steps: number
  /** The highest number of levels of invocations and child runs. */
  readonly depth: number
  /** The highest number of used edges. */
  readonly hops: number
  /** The highest number of open branches at a time, waiting ones included. */
  readonly branches: number
  /** The highest number of input and output tokens of all model calls; absent for no limit. */
  readonly tokens?: number
  /** The highest cost of all model calls in US dollars; absent for no limit. */
  readonly cost?: number
  /** The longest work time in ms. */
  readonly time: number
}

/** Timeouts in ms; absent for none. The step enforces `tool` and `model`, the core all others. */
export type Timeouts = {
  /** The longest time of the run. */
  readonly run?: number
  /** The longest time in which a branch can move; waits for other branches and for people do not count. */
  readonly branch?: number
  /** The longest time in which a step executes; its waits do not count. */
  readonly step?: number
  /** The longest time of a tool call, for tools without their own timeout. */
  readonly tool?: number
  /** The longest time of a model call; without it, an answer that is not streamed may take 10 minutes. */
  readonly model?: number
  /** The longest wait of a branch for a free slot at a node with a limit. */
  readonly acquisition?: number
  /** The longest wait for an answer, for questions without their own timeout. */
  readonly human?: number
  /** The time that a cancelled step may occupy its run if its code ignores its signal; 10 s by default. */
  readonly grace?: number
}

/** The retries of a failed step or run. */
export type RetryRule = {
  /** The total number of attempts, including the first. */
  readonly attempts: number
  /**
   * In milliseconds before the second attempt. Doubles with each attempt up to 60 s, and is reduced by jitter of up to
   * one half.
   */
  readonly backoff: number
}

/**
 * The handling of a failed step. `retry` is applied first, then the substitute `agent`, then a question to a person or
 * the `value`. The step fails if no part is given.
 */
export type ErrorRule = {
  /** The retries of the step; absent, it is not retried. */
  readonly retry?: RetryRule
  /** The name of the agent or node that executes the step in place of the failed one. */
  readonly agent?: string
  /** The value that replaces the result. */
  readonly value?: Json
  readonly ask?: true
}

/** The guards of a run, which end it when it makes no progress; `false` switches a guard off. */
export type Guards = {
  /** Counts equal tool calls with equal results of an agent. The step enforces it. */
  readonly repetition:
    | {
        /** The number of equal calls after which the model gets a notice. */
        readonly nudge: number
        /** The number of equal calls after which the run ends. */
        readonly stop: number
      }
    | false
  /** Counts the hops of a branch between the same two agents. Edges with `limit` or `maxTurns` do not count. */
  readonly pingPong:
    | {
        /** The number of hops after which the run ends. */
        readonly hops: number
      }
    | false
  /** Counts the steps in a row with which a branch repeats earlier inputs and outcomes. */
  readonly noProgress:
    | {
        /** The number of such steps after which the run ends. */
        readonly steps: number
      }
    | false
}

/** An event at which the run is paused for inspection. */
export type BreakOn =
  | { readonly on: 'error' }
  | {
      readonly on: 'agent'
      /** The name of the agent; the run is paused before each of its steps. */
      readonly agent: string
    }
  | {
      readonly on: 'tool'
      /** The name of the tool; the run is paused before each of its calls. */
      readonly tool: string
    }
  | {
      readonly on: 'seq'
      /** The number of the event; the run is paused when its journal has reached it. */
      readonly seq: number
    }

/** Policy rules from one source; the rules of each source further restrict the others. */
export type PinnedPolicy = {
  /** The source of the rules, for messages: `the team`, `the run`. */
  readonly of: string
  /** The rules. */
  readonly rules: readonly Pick<PolicyRule, keyof PolicyRule>[]
}

/** The configuration of a run with all defaults, as its journal stores it. */
export type PinnedConfig = {
  /** The budgets of the run and its child runs. */
  readonly budget: Budgets
  /** The timeouts in ms. */
  readonly timeouts: Timeouts
  /** The condition of joins at nodes without their own. */
  readonly join: Join
  /** How long joins wait for missing branches, in ms; absent for no limit. A node's own deadline takes precedence. */
  readonly deadline?: number
  /** What joins do with failed branches, at nodes without their own policy. */
  readonly onFailure: FailurePolicy
  /** The handling of failed steps, by error code, class name, or `*` for all others. */
  readonly onError: { readonly [kind: string]: ErrorRule }
  /** The retries of the whole run; absent, it is not retried. */
  readonly retry?: RetryRule
  /** The guards. */
  readonly guards: Guards
  /** The highest number of branches that execute at a time; 1 if `allowParallel` is false. */
  readonly maxParallelBranches: number
  /** The content of `run.live()`. */
  readonly verbosity: 'quiet' | 'normal' | 'verbose'
  /** True if `run.live()` shows the reasoning of models. */
  readonly showAgentThoughts: boolean
  /** True if `run.live()` shows tool calls and their results. */
  readonly showToolCalls: boolean
  /** True if each event of the run is logged at level info, without its payload. */
  readonly trace: boolean
  /** The breakpoints with which the run started; absent if there were none. */
  readonly debug?: {
    /** The breakpoints. */
    readonly breakOn: readonly BreakOn[]
  }
  /** The policies of the team, the caller and the parent runs. */
  readonly policies?: readonly PinnedPolicy[]
}
