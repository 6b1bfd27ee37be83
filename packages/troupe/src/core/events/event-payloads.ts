/**
 * The published events and their fields. Fields hold ids, names, counts and codes; no event has the content of an
 * entry, a message, a prompt or an answer. `docs/events.md` is made from this file.
 */
import type { Json } from '../values/json-value.ts'
import type {
  AddressedMessageFields,
  AgentOfUserFields,
  AlertFields,
  ApiKeyFields,
  ApprovalFields,
  CalledFields,
  EntryVersionFields,
  FailedFields,
  MessageAttemptFields,
  ModelCalledFields,
  RestoredFields,
  ScheduleFields,
  TextsFields,
  TypedMessageFields,
} from './event-fields.ts'
import type { RunEventPayloads } from './run-event-payloads.ts'

/** The fields of each event by its name, besides those that every event may have (`EventContext`). */
export interface EventPayloads extends RunEventPayloads {
  /** A metric returned to within the bounds of an alert rule. */
  'alert.cleared': AlertFields
  /** A metric exceeded the bounds of an alert rule for the configured time. */
  'alert.raised': AlertFields
  /** A person has answered or cancelled a session that waited, or has resolved an uncertain effect. */
  'approval.closed': ApprovalFields
  /** The audit record of an allowed action could not be stored. */
  'audit.lost': FailedFields
  /** The database holds an older audit log than the last checkpoint signed. */
  'audit.rolled-back': {
    /** Leaves that the log has now. */
    readonly size: number
    /** Leaves that the last checkpoint signed. */
    readonly signedSize: number
  }
  /** A function of the application that Troupe called failed; the work continues without its answer. */
  'callback.failed': FailedFields & {
    /** What the function is: a gauge, a health check, an alert channel. */
    readonly callback: string
    /** Which one of them: the name of the gauge, of the alert, of the effect. */
    readonly name: string
  }
  /** A setting changed while the troupe was running. */
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
  /** A cleanup of expired entries failed; it is retried. */
  'context.cleanup.failed': {
    /** The message of the error. */
    readonly problem: string
  }
  /** The application removed all entries of a user. */
  'context.cleared': AgentOfUserFields & {
    /** The number of removed entries. */
    readonly entries: number
  }
  /** An entry was deleted. */
  'context.deleted': AgentOfUserFields & {
    /** The key of the entry. */
    readonly key: string
    /** The revision of the user's context in which it was deleted. */
    readonly revision: number
  }
  /** A step overwrote a version of an entry that it had not read. */
  'context.overwritten': EntryVersionFields
  /** An entry was written. */
  'context.pushed': EntryVersionFields
  /** Stored values of some users were encrypted, re-encrypted or decrypted. */
  'encryption.reencrypted': {
    /**
     * What is done: `encrypt` plain values, wrap data `keys` with the current key, encrypt `data` with new data keys,
     * or `decrypt` values.
     */
    readonly what: 'encrypt' | 'keys' | 'data' | 'decrypt'
    /** The number of users done so far. */
    readonly users: number
    /** The number of rows rewritten so far. */
    readonly rows: number
    /** True when all users are done. */
    readonly done: boolean
  }
  /** A scorer rated the answer of a live run. */
  'evaluation.scored': {
    /** The id of the rated run. */
    readonly runId: string
    /** The name of the scorer. */
    readonly scorer: string
    /** The score; higher is better. The scorers of this library give 0 to 1. */
    readonly score: number
  }
  /** The health of the troupe changed. */
  'health.changed': {
    /** The health now. */
    readonly status: 'healthy' | 'degraded' | 'unhealthy'
    /** The health before. */
    readonly before: 'healthy' | 'degraded' | 'unhealthy'
  }
  /** The audit record of a refused action could not be stored. */
  'incident.lost': FailedFields
  /** A guardrail stopped the input or output of an agent, or redacted it. */
  'guardrail.tripped': AgentOfUserFields & {
    /** The name of the guardrail. */
    readonly guardrail: string
    /** Whether it checked an input or an output of the agent. */
    readonly direction: 'input' | 'output'
    /** True if the step continued with redacted content. */
    readonly redacted: boolean
    /** `redact`: the step continued with redacted content. `ask`: a person decides. `stop`: the step of the agent failed. */
    readonly action: 'redact' | 'ask' | 'stop'
  }
  /** A refused action was recorded. */
  'incident.recorded': AgentOfUserFields &
    FailedFields & {
      /** The operation that was refused. */
      readonly action: string
    }
  /** A journal exceeded the number of records at which Troupe warns. */
  'journal.large': {
    /** The id of the journal. */
    readonly journal: string
    /** The number of records in the journal. */
    readonly records: number
  }
  /** An API key was created. */
  'key.created': ApiKeyFields
  /** An API key was revoked. */
  'key.revoked': ApiKeyFields
  /** An API key was replaced by a new one. */
  'key.rotated': ApiKeyFields
  /** An API key is older than 30 days and should be rotated. */
  'key.rotation-due': ApiKeyFields
  /** The definition of an MCP tool differs from the approved one; the tool waits for approval. */
  'mcp.changed': {
    /** The name of the MCP server, as configured. */
    readonly server: string
    /** The name of the tool on its server. */
    readonly tool: string
    /**
     * How the tool differs: `changed`: its definition; `added`: it is new; `renamed`: it has the definition of a tool
     * that is gone.
     */
    readonly change: string
    /** The parts of the tool's definition that changed. */
    readonly parts: readonly string[]
  }
  /** A recipient acknowledged a message. */
  'message.acknowledged': MessageAttemptFields
  /** A message was moved to the dead letters. */
  'message.dead-lettered': MessageAttemptFields
  /** A full mailbox dropped a message in favour of a newer one. */
  'message.dropped': AddressedMessageFields
  /** A message expired before its delivery. */
  'message.expired': AddressedMessageFields
  /** A recipient returned a message to its mailbox. */
  'message.nacked': MessageAttemptFields
  /** A message was delivered to its recipient. */
  'message.received': MessageAttemptFields & {
    /** The time between sending and delivery, in ms. */
    readonly waitedMs: number
  }
  /** A dead letter was returned to its mailbox. */
  'message.redriven': AddressedMessageFields & {
    /** The type of the message. */
    readonly messageType: string
  }
  /** A full mailbox rejected a message of a committed turn. */
  'message.rejected': TypedMessageFields
  /** A message was stored in a mailbox. */
  'message.sent': TypedMessageFields & {
    /** The priority of the message. */
    readonly priority: 'urgent' | 'high' | 'normal' | 'low'
  }
  /** A model call was answered from the cache. */
  'model.cached': {
    /** `provider/model`. */
    readonly model: string
  }
  /** A language model answered or failed. */
  'model.called': ModelCalledFields
  /** A call of a language model is retried after a pause. */
  'model.retried': {
    /** `provider/model`. */
    readonly model: string
    /** The attempt that follows, counted from 2. */
    readonly attempt: number
    /** The time before the next attempt, in ms. */
    readonly pauseMs: number
    /** `limited`: the provider limits calls; `failed`: the attempt failed. */
    readonly reason: 'limited' | 'failed'
  }
  /** An embedding model answered or failed. */
  'model.embedded': TextsFields & {
    /** The tokens of the texts; absent on failure. */
    readonly inputTokens?: number
    /** US dollars; absent if the price of the model is unknown. */
    readonly cost?: number
  }
  /** A reranking model answered or failed. */
  'model.reranked': TextsFields & {
    /** The tokens that the provider counted, 0 if it counts none; absent on failure. */
    readonly inputTokens?: number
    /** US dollars; absent if the price of the model is unknown. */
    readonly cost?: number
  }
  /** The release of messages from the outbox failed; it is retried. */
  'outbox.failed': FailedFields
  /** A system prompt contains every entry that the agent can also read with its tools. */
  'prompt.repeated': AgentOfUserFields
  /** A policy allowed or blocked a call of a tool, or asked a person. */
  'policy.decided': AgentOfUserFields & {
    /** The tool or effect. */
    readonly tool: string
    /** `allow`: the call is made; `ask`: it needs an approval; `block`: it is refused. */
    readonly decision: 'allow' | 'ask' | 'block'
    /** The place of the rule, such as `policy[0] of the troupe`, or `policy.taint`. */
    readonly rule: string
    /** Paths of the arguments that carry labels, ten at most. */
    readonly arguments: readonly string[]
  }
  /** A schedule was created. */
  'schedule.created': ScheduleFields
  /** A schedule was deleted. */
  'schedule.deleted': ScheduleFields
  /** A schedule has no further times. */
  'schedule.ended': ScheduleFields
  /** A schedule could not start its run; it is retried a few times. */
  'schedule.failed': ScheduleFields & FailedFields
  /** A schedule started a run. */
  'schedule.fired': ScheduleFields & {
    /** The id of the started run. */
    readonly runId: string
  }
  /** A schedule skipped one or more times without starting a run. */
  'schedule.missed': ScheduleFields & {
    /**
     * `late`: no process was there in time; `overlap`: an earlier run is not over; `full`: too many triggers wait;
     * `failed`: the run could not be started.
     */
    readonly reason: 'late' | 'overlap' | 'full' | 'failed'
    /** The first missed time, as ISO text. */
    readonly from: string
    /** The last missed time, as ISO text. */
    readonly to: string
  }
  /** A schedule was paused. */
  'schedule.paused': ScheduleFields
  /** A paused schedule was resumed. */
  'schedule.resumed': ScheduleFields
  /** A schedule was paused because the key, session or token by which it was made has ended. */
  'schedule.unauthorized': ScheduleFields & {
    /** The id of the API key, session or token by which the schedule was made; empty if unknown. */
    readonly apiKey: string
  }
  /** A schedule is due, and no process with its code has started the run. */
  'schedule.unhandled': ScheduleFields & FailedFields
  /** A span that the application opened ended. */
  'span.ended': CalledFields & {
    /** The name of the span, as the application gave it. */
    readonly name: string
    /** The attributes of the span, as the application gave them. */
    readonly attributes?: { readonly [name: string]: Json }
  }
  /** The storage became writable, or stopped being writable. */
  'storage.changed': {
    /**
     * `open`: it works; `full`: the disk is full; `failed`: it does not work, and is retried; `closed`: it is closed.
     */
    readonly state: 'open' | 'full' | 'failed' | 'closed'
    /** Absent when the storage is open. */
    readonly problem?: string
  }
  /** A supervisor stopped its workers after too many failures. */
  'supervision.escalated': FailedFields & {
    /** The name of the supervisor. */
    readonly supervisor: string
    /** The number of failures within the period that the supervisor counts. */
    readonly failures: number
  }
  /** A summary took the place of the older messages of a thread in what its model is sent. */
  'thread.compacted': AgentOfUserFields & {
    /** The id of the thread. */
    readonly thread: string
    /** How many of its messages the summary replaces in prompts. */
    readonly messages: number
    /** Estimated tokens of the thread before. */
    readonly tokens: number
    /** What made the summary. */
    readonly by: 'model' | 'rules' | 'function'
  }
  /** A tool was called. */
  'tool.called': CalledFields & {
    /** The name of the tool. */
    readonly tool: string
    /** The agent that called it. */
    readonly agent: string
    /** The id that the model gave the call; absent if no model called the tool. */
    readonly callId?: string
    /** True for a call that changes what others may see or do, needs an approval, or was refused. */
    readonly security: boolean
  }
  /** The failed result of a tool call was never read. */
  'tool.ignored': AgentOfUserFields &
    FailedFields & {
      /** The name of the tool. */
      readonly tool: string
    }
  /** A topic was deleted. */
  'topic.deleted': AgentOfUserFields & {
    /** The name of the topic. */
    readonly topic: string
  }
  /** The troupe is shutting down; it accepts no new work. */
  'troupe.draining': {
    /** The time within which the shutdown is to end, in ms. */
    readonly timeoutMs: number
  }
  /** The database was restored from a backup; work waits for resumeRestored(). */
  'troupe.restored': RestoredFields & {
    /** When the backup was made, as ISO text. */
    readonly backupAt: string
  }
  /** Work on a restored database was resumed. */
  'troupe.resumed': RestoredFields
  /** Everything stored for a user was removed. */
  'user.forgotten': {
    /** The number of removed rows. */
    readonly rows: number
  }
  /** A step, a message or the outbox made no progress for too long. */
  'work.stalled': {
    /** `step`: a step; `message`: the handling of a message; `outbox`: messages that wait to be sent. */
    readonly kind: 'step' | 'message' | 'outbox'
    /** The id of the step or message. */
    readonly id: string
    /** The agent that executes the step or received the message; absent if unknown. */
    readonly agent?: string
    /** The time since the last progress, in ms. */
    readonly forMs: number
  }
  /** A state machine of a worker made a transition. */
  'worker.changed': AgentOfUserFields & {
    /** The state before the transition. */
    readonly from: string
    /** The state after it. */
    readonly to: string
  }
  /** A supervised worker failed to start, hangs, or failed repeatedly. */
  'worker.crashed': AgentOfUserFields &
    FailedFields & {
      /** The number of failures within the period that the supervisor counts. */
      readonly failures: number
    }
  /** A handler or hook of a worker threw an error. */
  'worker.failed': AgentOfUserFields &
    FailedFields & {
      /** The id of the message; absent if no message was handled, as are the next two. */
      readonly id?: string
      /** The type of the message. */
      readonly messageType?: string
      /** The attempt, counted from 1. */
      readonly attempt?: number
    }
  /** A supervisor restarted a worker. */
  'worker.restarted': AgentOfUserFields & {
    /** How often the supervisor has restarted the worker. */
    readonly restarts: number
  }
}

/** The name of a published event. */
export type EventName = keyof EventPayloads
