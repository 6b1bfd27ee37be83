/**
 * The fields of each event, by its name, besides those that every event may have (`EventContext`). Fields hold ids, names,
 * counts and codes; no event has the content of an entry, a message, a prompt or an answer. `docs/events.md` is made from
 * this file.
 */
import type { Json } from '../values/json-value.ts'
import type {
  AddressedMessageFields,
  AgentOfUserFields,
  AlertFields,
  ApiKeyFields,
  BranchFields,
  CalledFields,
  EntryVersionFields,
  FailedFields,
  JoinFields,
  MessageAttemptFields,
  QuestionFields,
  RestoredFields,
  RunFields,
  ScheduleFields,
  StepFields,
  TypedMessageFields,
} from './event-fields.ts'

export interface EventPayloads {
  'alert.cleared': AlertFields
  'alert.raised': AlertFields
  'answer.deferred': StepFields
  'answer.delivered': StepFields
  'audit.lost': FailedFields
  'audit.rolled-back': {
    /** Leaves that the log has now. */
    readonly size: number
    /** Leaves that the last checkpoint signed. */
    readonly signedSize: number
  }
  'branch.cancel-requested': RunFields & { readonly branch: string }
  'branch.cancelled': BranchFields
  'branch.completed': BranchFields & {
    /** `ended`: with a response; `arrived`: at a join; `split`: into other branches. */
    readonly as: 'ended' | 'arrived' | 'split'
  }
  'branch.failed': BranchFields
  'branch.moved': BranchFields & {
    readonly node: string
    /** Counted from 1; present where the branch retries a failed step. */
    readonly attempt?: number
  }
  'branch.started': BranchFields & { readonly node: string }
  'budget.granted': RunFields
  'budget.requested': RunFields
  'callback.failed': FailedFields & {
    /** What the function is: a gauge, a health check, an alert channel. */
    readonly callback: string
    /** Which one of them: the name of the gauge, of the alert, of the effect. */
    readonly name: string
  }
  'child.resumed': StepFields & {
    /** The id of the child run. */
    readonly child: string
  }
  'child.waiting': StepFields & {
    /** The id of the child run. */
    readonly child: string
    /** What the child run waits for. */
    readonly reason: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
    /** The ids of the open questions of the child run. */
    readonly questions: readonly string[]
  }
  'clock.jumped': RunFields & {
    /** For how long the process was suspended, in ms. */
    readonly gap: number
  }
  'config.changed': {
    /** The path of the setting. */
    readonly setting: string
    /** Absent where the setting was unset. Secrets are masked. */
    readonly old?: Json
    /** Absent where the setting is unset. Secrets are masked. */
    readonly new?: Json
    /** What changed the setting: the application or a file. */
    readonly origin: string
  }
  'context.cleanup.failed': { readonly problem: string }
  'context.cleared': AgentOfUserFields & {
    /** The number of removed entries. */
    readonly entries: number
  }
  'context.deleted': AgentOfUserFields & { readonly key: string; readonly revision: number }
  'context.overwritten': EntryVersionFields
  'context.pushed': EntryVersionFields
  'encryption.reencrypted': {
    readonly what: 'encrypt' | 'keys' | 'data' | 'decrypt'
    /** The number of users done so far. */
    readonly users: number
    /** The number of rows rewritten so far. */
    readonly rows: number
    /** True when all users are done. */
    readonly done: boolean
  }
  'evaluation.scored': {
    readonly runId: string
    /** The name of the scorer. */
    readonly scorer: string
    readonly score: number
  }
  'group.failed': RunFields
  'guard.tripped': RunFields & {
    /** The name of the guard: `steps`, `cost`, `repetition`, `deadlock`, … */
    readonly guard: string
    readonly limit: number
    readonly used: number
  }
  'health.changed': {
    readonly status: 'healthy' | 'degraded' | 'unhealthy'
    readonly before: 'healthy' | 'degraded' | 'unhealthy'
  }
  'incident.lost': FailedFields
  'guardrail.tripped': AgentOfUserFields & {
    readonly guardrail: string
    readonly direction: 'input' | 'output'
    /** The step went on with a redacted content. */
    readonly redacted: boolean
  }
  'incident.recorded': AgentOfUserFields &
    FailedFields & {
      /** The operation that was refused. */
      readonly action: string
    }
  'join.arrived': JoinFields & {
    /** Absent where the branch failed on its way, or a request was sent there. */
    readonly branch?: string
  }
  'join.closed': JoinFields
  'join.completed': JoinFields & BranchFields
  'join.opened': JoinFields & {
    /** `fork`: the branches that one branch started; `meeting`: the branches whose edges meet at the node. */
    readonly kind: 'fork' | 'merge'
    /** The branch that waits; present for a `fork`. */
    readonly branch?: string
    readonly node: string
    readonly agent: string
  }
  'journal.large': { readonly journal: string; readonly records: number }
  'key.created': ApiKeyFields
  'key.revoked': ApiKeyFields
  'key.rotated': ApiKeyFields
  'key.rotation-due': ApiKeyFields
  'mcp.changed': {
    /** The name of the MCP server, as configured. */
    readonly server: string
    readonly tool: string
    readonly change: string
    /** The parts of the tool's definition that changed. */
    readonly parts: readonly string[]
  }
  'message.acknowledged': MessageAttemptFields
  'message.dead-lettered': MessageAttemptFields
  'message.dropped': AddressedMessageFields
  'message.expired': AddressedMessageFields
  'message.nacked': MessageAttemptFields
  'message.received': MessageAttemptFields & {
    /** The time between sending and delivery, in ms. */
    readonly waitedMs: number
  }
  'message.redriven': AddressedMessageFields & { readonly messageType: string }
  'message.rejected': TypedMessageFields
  'message.sent': TypedMessageFields & { readonly priority: 'urgent' | 'high' | 'normal' | 'low' }
  'model.cached': { readonly model: string }
  'model.called': CalledFields & {
    /** `provider/model`. */
    readonly model: string
    /** Absent on failure, as are the next three. */
    readonly inputTokens?: number
    readonly outputTokens?: number
    /** Of the input tokens: read from the provider's cache; absent where none were. */
    readonly cacheReadTokens?: number
    /** Of the input tokens: written to the provider's cache; absent where none were. */
    readonly cacheWriteTokens?: number
    /** What the AI SDK left out of the request, since this model does not take it; absent where that is nothing. */
    readonly ignored?: readonly string[]
    /** Why the model stopped: `stop`, `length`, `tool-calls`, … */
    readonly finish?: string
    /** US dollars; absent where the price of the model is unknown. */
    readonly cost?: number
  }
  'model.retried': {
    /** `provider/model`. */
    readonly model: string
    /** The attempt that follows, counted from 2. */
    readonly attempt: number
    /** In ms, before the next attempt. */
    readonly pauseMs: number
    /** `limited`: the provider limits calls and said how long to wait, or no pause at all; `failed`: the attempt failed. */
    readonly reason: 'limited' | 'failed'
  }
  'model.embedded': {
    readonly model: string
    readonly success: boolean
    readonly durationMs: number
    /** The number of texts; absent on failure, as is the next one. */
    readonly texts?: number
    readonly inputTokens?: number
    /** US dollars; absent where the price of the model is unknown. */
    readonly cost?: number
  }
  'outbox.failed': FailedFields
  'prompt.repeated': AgentOfUserFields
  'policy.decided': AgentOfUserFields & {
    /** The tool or effect. */
    readonly tool: string
    readonly decision: 'allow' | 'ask' | 'block'
    /** The place of the rule, such as `policy[0] of the troupe`, or `policy.taint`. */
    readonly rule: string
    /** Paths of the arguments that carry labels, ten at most. */
    readonly arguments: readonly string[]
  }
  'question.answered': QuestionFields
  'question.asked': QuestionFields & {
    readonly kind: 'question' | 'choice' | 'confirmation' | 'draft' | 'approval' | 'error' | 'breakpoint'
  }
  'question.expired': QuestionFields
  'question.withdrawn': QuestionFields
  'request.made': StepFields & { readonly node: string }
  'run.breakpoints-set': RunFields
  'run.cancel-requested': RunFields
  'run.cancelled': RunFields
  'children.cancelled': RunFields
  'run.charged': RunFields
  'run.claimed': RunFields & {
    /** The time since the event before, in ms. */
    readonly gap: number
  }
  'run.completed': RunFields
  'run.failed': RunFields & FailedFields
  'run.paused': RunFields
  'run.resumed': RunFields
  'run.retried': RunFields & {
    /** The number of the attempt that follows; the first attempt is 1. */
    readonly attempt: number
  }
  'run.started': RunFields
  'run.waiting': RunFields & {
    /** What the run waits for, as `reason` of its result. */
    readonly reason: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
    /** The ids of the open questions. */
    readonly questions: readonly string[]
  }
  'schedule.created': ScheduleFields
  'schedule.deleted': ScheduleFields
  'schedule.ended': ScheduleFields
  'schedule.failed': ScheduleFields & FailedFields
  'schedule.fired': ScheduleFields & { readonly runId: string }
  'schedule.missed': ScheduleFields & {
    /**
     * `late`: no process was there in time; `overlap`: the previous run is not over; `full`: too many triggers wait;
     * `failed`: the run could not be started.
     */
    readonly reason: 'late' | 'overlap' | 'full' | 'failed'
    /** The first missed time, as ISO text. */
    readonly from: string
    /** The last missed time, as ISO text. */
    readonly to: string
  }
  'schedule.paused': ScheduleFields
  'schedule.resumed': ScheduleFields
  'schedule.unauthorized': ScheduleFields & { readonly apiKey: string }
  'schedule.unhandled': ScheduleFields & FailedFields
  'span.ended': CalledFields & {
    readonly name: string
    /** As the application gave them. */
    readonly attributes?: { readonly [name: string]: Json }
  }
  'step.cancel-requested': StepFields
  'step.completed': StepFields
  'step.failed': StepFields & FailedFields
  'step.released': CalledFields & {
    /** The journal of the step. */
    readonly stepId: string
    readonly agent: string
    /** How the step left the process: it ended, waits, or lost its journal to another process. */
    readonly status: 'completed' | 'failed' | 'parked' | 'uncertain' | 'code.changed' | 'lost' | 'cancelled' | 'crashed'
    /** The type of the message that the step handles; absent for a step of a run. */
    readonly messageType?: string
  }
  'step.resumed': StepFields
  'step.started': StepFields & {
    readonly node: string
    /** Counted from 1. */
    readonly attempt: number
  }
  'step.waiting': StepFields & {
    /** `parked`: for an answer, a reply or a child run. */
    readonly reason: 'parked' | 'uncertain' | 'code.changed' | 'breakpoint'
  }
  'storage.changed': {
    readonly state: 'open' | 'full' | 'failed' | 'closed'
    /** Absent when the storage is open. */
    readonly problem?: string
  }
  'supervision.escalated': FailedFields & {
    /** The name of the supervisor. */
    readonly supervisor: string
    /** The number of failures within the period that the supervisor counts. */
    readonly failures: number
  }
  'thread.compacted': AgentOfUserFields & {
    readonly thread: string
    /** How many of its messages the summary replaces in prompts. */
    readonly messages: number
    /** Estimated tokens of the thread before. */
    readonly tokens: number
    /** What made the summary. */
    readonly by: 'model' | 'rules' | 'function'
  }
  'timer.cleared': RunFields
  'timer.set': RunFields
  'tool.called': CalledFields & {
    readonly tool: string
    readonly agent: string
    /** True for a call that changes what others may see or do, needs an approval, or was refused. */
    readonly security: boolean
  }
  'tool.ignored': AgentOfUserFields & FailedFields & { readonly tool: string }
  'topic.deleted': AgentOfUserFields & { readonly topic: string }
  'troupe.draining': {
    /** The time within which the shutdown is to end, in ms. */
    readonly timeoutMs: number
  }
  'troupe.restored': RestoredFields & {
    /** When the backup was made, as ISO text. */
    readonly backupAt: string
  }
  'troupe.resumed': RestoredFields
  'user.forgotten': {
    /** The number of removed rows. */
    readonly rows: number
  }
  'work.stalled': {
    readonly kind: 'step' | 'message' | 'outbox'
    /** The id of the step or message. */
    readonly id: string
    readonly agent?: string
    /** The time since the last progress, in ms. */
    readonly forMs: number
  }
  'worker.changed': AgentOfUserFields & {
    /** The state before the transition. */
    readonly from: string
    /** The state after it. */
    readonly to: string
  }
  'worker.crashed': AgentOfUserFields &
    FailedFields & {
      /** The number of failures within the period that the supervisor counts. */
      readonly failures: number
    }
  'worker.failed': AgentOfUserFields &
    FailedFields & {
      /** The id of the message; absent where no message was handled, as are the next two. */
      readonly id?: string
      readonly messageType?: string
      readonly attempt?: number
    }
  'worker.restarted': AgentOfUserFields & {
    /** How often the supervisor has restarted the worker. */
    readonly restarts: number
  }
}

export type EventName = keyof EventPayloads
