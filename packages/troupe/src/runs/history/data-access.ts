/**
 * The context entries and messages that a run had read, written, sent and received at one of its events: from the
 * journals of its steps, and from the history of the context for values that a journal only names.
 */
import type { ContextMesh } from '../../context/index.ts'
import { decodeJson, type Json, type UserId } from '../../core/index.ts'
import { allRecords, type JournalRecord, stepJournal, withoutRanges } from '../../journal/index.ts'
import type { Mailboxes } from '../../messaging/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import type { PastRun } from './past-run.ts'

/** A read of a context entry by a step. */
export interface ContextRead {
  /** The id of the step. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The key of the entry. */
  readonly key: string
  /** The version that was read; 0 if there was no entry. */
  readonly version: number
  /** The value that was read; absent if there was no entry, or if the journal records its version alone. */
  readonly value?: Json
  /** The time at which the step recorded it, as ISO 8601 text. */
  readonly at: string
}
/** A write of a context entry by a step. */
export interface ContextWrite {
  /** The id of the step. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The key of the entry. */
  readonly key: string
  /** `push` for a written value, `delete` for a deleted entry. */
  readonly kind: 'push' | 'delete'
  /** The version that was written; absent for a deletion, and if retention has deleted that version. */
  readonly version?: number
  /** The value that was written; absent for a deletion, and if retention has deleted that version. */
  readonly value?: Json
  /** The time of its commit, as ISO 8601 text. */
  readonly at: string
}
/** A message, request or reply of a step. */
export interface MessageThen {
  /** The id of a message to a mailbox; absent for a request within the run. */
  readonly id?: string
  /** The name of the message type. */
  readonly type: string
  /** The name of the sender. */
  readonly from: string
  /** The name of the recipient. */
  readonly to: string
  /** The step that sent or handled the message. */
  readonly step: string
  /** The payload of a request or reply within the run; a message to a mailbox has its own record. */
  readonly payload?: Json
  /** The time of the send, as ISO 8601 text. */
  readonly at: string
  /**
   * Whether a message to a mailbox was waiting there at the event, or had left it. A dead letter that was delivered again
   * since is `waiting`; `discarded`: it expired, or a full mailbox rejected it. Absent for a request within the run, and if the mailbox does not store the message any more.
   */
  readonly state?: 'waiting' | 'handled' | 'dead-lettered' | 'discarded'
}

/** The data that a run had read, written, sent and received at one of its events. */
export interface DataAccess {
  /** The context entries. */
  readonly context: {
    /** The reads, by step in the order of their start. */
    readonly reads: readonly ContextRead[]
    /** The committed writes, by step in the order of their start. */
    readonly writes: readonly ContextWrite[]
  }
  /** The messages. */
  readonly messages: {
    /** The messages and requests that its steps sent. */
    readonly sent: readonly MessageThen[]
    /** The requests that its steps answered. */
    readonly received: readonly MessageThen[]
  }
}

export interface DataAccessSource {
  readonly user: UserId
  readonly past: PastRun
  readonly journals: {
    read(user: UserId, id: string, after: number, limit: number): Promise<readonly JournalRecord[]>
  }
  readonly context: Pick<ContextMesh, 'history'>
}

type Entry = {
  readonly t: string
  readonly id?: string
  readonly v?: Json
  readonly w?: readonly string[]
  /** The time of its record, as ISO 8601 text. */
  readonly at: string
}
interface Step {
  readonly step: string
  readonly agent: string
  readonly entries: readonly Entry[]
}

const page = 100

export async function dataAccessOf(from: DataAccessSource, seq: number): Promise<DataAccess> {
  const events = from.past.events.slice(0, seq)
  const steps = await stepsBy(from, events)
  const writes: ContextWrite[] = []
  const histories = new Map<string, Promise<readonly Version[]>>()
  for (const { step, agent, entries } of steps) {
    const calls = entries.flatMap(({ t, w = [], at }) =>
      t === 'turn' ? [...withoutRanges(w)].map((id) => ({ ...callOf(id), at })) : [],
    )
    // The number of a call counts within its tool call, and the versions of a key within the step.
    const pushes = new Map<string, number>()
    for (const { kind, name, at } of calls) {
      if (kind !== 'push' && kind !== 'delete') continue
      const versions = kind === 'push' ? await versionsOf(from, histories, name) : []
      const own = versions.filter(({ by }) => by === stepJournal(from.past.run, step))
      const before = pushes.get(name) ?? 0
      if (kind === 'push') pushes.set(name, before + 1)
      const version = own[before]
      writes.push({
        step,
        agent,
        key: name,
        kind,
        at,
        ...(version ? { version: version.version, value: version.value } : {}),
      })
    }
  }
  return {
    context: { reads: steps.flatMap(readsOf), writes },
    messages: {
      sent: [...steps.flatMap(sentBy), ...requestsIn(events, 'from')],
      received: requestsIn(events, 'step'),
    },
  }
}

/** Returns the steps that had started, with their records up to the time of the last event. */
async function stepsBy(
  { user, past, journals }: DataAccessSource,
  events: readonly NumberedEvent[],
): Promise<readonly Step[]> {
  const until = events.at(-1)?.at ?? 0
  const agents = new Map<string, string>()
  for (const event of events)
    if (event.type === 'step.started' || event.type === 'request.made') agents.set(event.step, event.agent)
  const steps: Step[] = []
  for (const [step, agent] of agents) {
    const records = await journals.read(user, stepJournal(past.run, step), 0, allRecords)
    const entries = records
      .filter(({ at }) => at <= until)
      .flatMap(({ at, body }) => (body as readonly Omit<Entry, 'at'>[]).map((entry) => ({ ...entry, at: isoOf(at) })))
    steps.push({ step, agent, entries })
  }
  return steps
}

const isoOf = (at: number): string => new Date(at).toISOString()

interface Version {
  readonly version: number
  readonly value: Json
  readonly by: string | undefined
}

function versionsOf(
  { context }: DataAccessSource,
  histories: Map<string, Promise<readonly Version[]>>,
  key: string,
): Promise<readonly Version[]> {
  const read = async () => {
    const versions: Version[] = []
    for await (const { version, value, provenance } of await context.history(key, { limit: page }))
      versions.push({ version, value, by: provenance.stepId })
    return versions
  }
  const known = histories.get(key) ?? read()
  histories.set(key, known)
  return known
}

interface IdFields {
  readonly kind: string
  readonly name: string
  /** The stage, the name and the number: equal for a message and its send. */
  readonly idWithoutKind: string
}

/** Reads `STAGE/KIND:NAME#N`. */
function callOf(id: string): IdFields {
  const slash = id.indexOf('/')
  const call = id.slice(slash + 1)
  const [colon, end] = [call.indexOf(':'), call.lastIndexOf('#')]
  const idWithoutKind = `${id.slice(0, slash)}/${call.slice(colon + 1)}`
  return { kind: call.slice(0, colon), name: call.slice(colon + 1, end), idWithoutKind }
}

function readsOf({ step, agent, entries }: Step): readonly ContextRead[] {
  return entries.flatMap(({ t, id, v, at }) => {
    if (t !== 'answer' || id === undefined) return []
    const { kind, name } = callOf(id)
    if ((kind === 'get' || kind === 'getEntry') && (v ?? null) === null)
      return [{ step, agent, key: name, version: 0, at }]
    if (!['get', 'getEntry', 'getMany', 'list'].includes(kind)) return []
    const items = Array.isArray(v) ? v : ((v as { readonly items?: Json } | null)?.items ?? [v])
    return (items as readonly RecordedRead[]).map(({ row, json }) => ({
      step,
      agent,
      key: row.key,
      version: row.version,
      at,
      ...(json === null ? {} : { value: decodeJson(json) }),
    }))
  })
}
interface RecordedRead {
  readonly row: { readonly key: string; readonly version: number }
  readonly json: string | null
}

/** Returns the messages of committed turns, with the ids that were assigned when they were staged. */
function sentBy({ step, agent, entries }: Step): readonly MessageThen[] {
  const ids = new Map(
    entries.flatMap(({ t, id = '', v }) => {
      const { kind, idWithoutKind } = callOf(id)
      return t === 'now' && kind === 'message' ? [[idWithoutKind, (v as { readonly id: string }).id] as const] : []
    }),
  )
  return entries.flatMap(({ t, w = [], at }) =>
    (t === 'turn' ? [...withoutRanges(w)] : []).flatMap((write) => {
      const { kind, name, idWithoutKind } = callOf(write)
      if (kind !== 'send') return []
      const end = name.lastIndexOf(' to ')
      const id = ids.get(idWithoutKind)
      return [
        {
          ...(id === undefined ? {} : { id }),
          type: name.slice(0, end),
          from: agent,
          to: name.slice(end + 4),
          step,
          at,
        },
      ]
    }),
  )
}

/** Adds whether each message was waiting in its mailbox at a time, in ms since 1970. */
export async function withMessageStates(
  mailboxes: Pick<Mailboxes, 'endsOf'>,
  user: UserId,
  sent: readonly MessageThen[],
  at: number,
): Promise<readonly MessageThen[]> {
  const ids = sent.flatMap(({ id }) => id ?? [])
  const ends = await mailboxes.endsOf(user, ids)
  return sent.map((message) => {
    const { id = '' } = message
    if (!ends.has(id)) return message
    const end = ends.get(id)
    return { ...message, state: end !== undefined && end.at <= at ? end.state : 'waiting' }
  })
}

/** Returns the requests within the run. @param of names the step whose request or answer is listed */
const requestsIn = (events: readonly NumberedEvent[], of: 'from' | 'step'): readonly MessageThen[] =>
  events.flatMap((event) =>
    event.type === 'request.made'
      ? [
          {
            type: event.message,
            from: event.fromAgent,
            to: event.agent,
            step: event[of],
            payload: event.payload,
            at: isoOf(event.at),
          },
        ]
      : [],
  )
