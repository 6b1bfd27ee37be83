/**
 * The fields of each event, by its name, besides those that every event may have (`EventContext`). Fields hold ids, names,
 * counts and codes; no event has the content of an entry, a message, a prompt or an answer. `docs/events.md` is made from
 * this file.
 */
import type { Json } from '../values/json-value.ts'

type Alert = {
  /** The name of the alert rule. */
  readonly alert: string
  readonly severity: 'warning' | 'critical'
  readonly metric: string
  /** The statistic of the metric that the rule compares: `count`, `p95`, … */
  readonly statistic: string
  readonly value: number
  readonly threshold: number
}

type ApiKey = {
  /** The id of the API key. */
  readonly key: string
}

type AgentOfUser = { readonly agent: string }

type EntryVersion = AgentOfUser & {
  readonly key: string
  readonly version: number
  readonly revision: number
}

/** What failed with an error. */
type Failed = {
  /** The error code. */
  readonly code: string
  /** The id under which the log has the error, and callers of the server get it; absent for errors of Troupe's own. */
  readonly errorId?: string
}

type AddressedMessage = {
  /** The id of the message. */
  readonly id: string
  /** The name of the recipient. */
  readonly to: string
}
type TypedMessage = AddressedMessage & {
  /** The name of the sender. */
  readonly from: string
  readonly messageType: string
}
type MessageAttempt = TypedMessage & {
  /** Counted from 1. */
  readonly attempt: number
}

type Called = {
  readonly success: boolean
  readonly durationMs: number
  /** The error code; absent on success. */
  readonly code?: string
  /** As `errorId` of other failures. */
  readonly errorId?: string
}

type RunFields = {
  readonly runId: string
  /** The position of the event in the run's journal, counted from 1. */
  readonly seq: number
  /** The agents through whose invocations the event came about, the first one first; empty for the run as a whole. */
  readonly path: readonly string[]
}
type BranchFields = RunFields & {
  readonly branch: string
  readonly agent: string
}
type StepFields = BranchFields & { readonly step: string }
type JoinFields = RunFields & {
  /** The id of the join. */
  readonly joinId: string
}
type QuestionFields = BranchFields & {
  /** The id of the question. */
  readonly question: string
  /** Absent for a question of a branch without an open step. */
  readonly step?: string
}

type ScheduleFields = { readonly scheduleId: string }

type Restored = {
  /** The id of the installation that made the backup. */
  readonly installation: string
}

export interface EventPayloads {
  'alert.cleared': Alert
  'alert.raised': Alert
  'answer.deferred': StepFields
  'answer.delivered': StepFields
  'audit.lost': Failed
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
  'context.cleared': AgentOfUser & {
    /** The number of removed entries. */
    readonly entries: number
  }
  'context.deleted': AgentOfUser & { readonly key: string; readonly revision: number }
  'context.overwritten': EntryVersion
  'context.pushed': EntryVersion
  'encryption.reencrypted': {
    readonly what: 'encrypt' | 'keys' | 'data' | 'decrypt'
    /** The number of users done so far. */
    readonly users: number
    /** The number of rows rewritten so far. */
    readonly rows: number
    /** True when all users are done. */
    readonly done: boolean
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
  'incident.lost': Failed
  'incident.recorded': AgentOfUser &
    Failed & {
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
  'key.created': ApiKey
  'key.revoked': ApiKey
  'key.rotated': ApiKey
  'key.rotation-due': ApiKey
  'mcp.changed': {
    /** The name of the MCP server, as configured. */
    readonly server: string
    readonly tool: string
    readonly change: string
    /** The parts of the tool's definition that changed. */
    readonly parts: readonly string[]
  }
  'message.acknowledged': MessageAttempt
  'message.dead-lettered': MessageAttempt
  'message.dropped': AddressedMessage
  'message.expired': AddressedMessage
  'message.nacked': MessageAttempt
  'message.received': MessageAttempt & {
    /** The time between sending and delivery, in ms. */
    readonly waitedMs: number
  }
  'message.redriven': AddressedMessage & { readonly messageType: string }
  'message.rejected': TypedMessage
  'message.sent': TypedMessage & { readonly priority: 'urgent' | 'high' | 'normal' | 'low' }
  'model.cached': { readonly model: string }
  'model.called': Called & {
    /** `provider/model`. */
    readonly model: string
    /** Absent on failure, as are the next three. */
    readonly inputTokens?: number
    readonly outputTokens?: number
    /** Why the model stopped: `stop`, `length`, `tool-calls`, … */
    readonly finish?: string
    /** US dollars; absent where the price of the model is unknown. */
    readonly cost?: number
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
  'outbox.failed': Failed
  'presence.failed': AgentOfUser
  'prompt.repeated': AgentOfUser
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
  'run.charged': RunFields
  'run.claimed': RunFields & {
    /** The time since the event before, in ms. */
    readonly gap: number
  }
  'run.completed': RunFields
  'run.failed': RunFields & Failed
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
  'schedule.failed': ScheduleFields & Failed
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
  'schedule.unhandled': ScheduleFields & Failed
  'span.ended': Called & {
    readonly name: string
    /** As the application gave them. */
    readonly attributes?: { readonly [name: string]: Json }
  }
  'step.cancel-requested': StepFields
  'step.completed': StepFields
  'step.failed': StepFields & Failed
  'step.released': Called & {
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
  'supervision.escalated': Failed & {
    /** The name of the supervisor. */
    readonly supervisor: string
    /** The number of failures within the period that the supervisor counts. */
    readonly failures: number
  }
  'timer.cleared': RunFields
  'timer.set': RunFields
  'tool.called': Called & {
    readonly tool: string
    readonly agent: string
    /** True for a call that changes what others may see or do, needs an approval, or was refused. */
    readonly security: boolean
  }
  'tool.ignored': AgentOfUser & Failed & { readonly tool: string }
  'topic.deleted': AgentOfUser & { readonly topic: string }
  'troupe.draining': {
    /** The time within which the shutdown is to end, in ms. */
    readonly timeoutMs: number
  }
  'troupe.restored': Restored & {
    /** When the backup was made, as ISO text. */
    readonly backupAt: string
  }
  'troupe.resumed': Restored
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
  'worker.changed': AgentOfUser & {
    /** The state before the transition. */
    readonly from: string
    /** The state after it. */
    readonly to: string
  }
  'worker.crashed': AgentOfUser &
    Failed & {
      /** The number of failures within the period that the supervisor counts. */
      readonly failures: number
    }
  'worker.failed': AgentOfUser &
    Failed & {
      /** The id of the message; absent where no message was handled, as are the next two. */
      readonly id?: string
      readonly messageType?: string
      readonly attempt?: number
    }
  'worker.restarted': AgentOfUser & {
    /** How often the supervisor has restarted the worker. */
    readonly restarts: number
  }
}

export type EventName = keyof EventPayloads
