/**
 * What a fork takes over of the steps of its source: the records of steps that wait, up to the first answer that the fork
 * does not share, and what LlmAgents that go on had said by then.
 */
import type { Json, UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../durable/index.ts'
import type { Statement } from '../../storage/index.ts'
import { hasEnded, type State } from '../core/state.ts'
import type { OrchestraParts } from './parts.ts'
import { conversationOf, stepJournal } from './run-journals.ts'
import { readRecord } from './run-record.ts'

export interface ForkedSteps {
  readonly user: UserId
  readonly source: { readonly run: string; readonly records: readonly JournalRecord[] }
  readonly run: string
  /** Of the fork, where it begins. */
  readonly state: State
  /** Waits that each step had been answered. */
  readonly answered: ReadonlyMap<string, ReadonlySet<string>>
  /** Also steps that waited for nothing go on with what they had recorded, up to how they failed. */
  readonly all?: boolean
}

/** An entry of a step's log, as far as a fork looks into it. */
interface Entry {
  readonly t: string
  readonly id?: string
  readonly v?: Json
  readonly e?: unknown
  /** The class of a claim. */
  readonly c?: string
  /** Calls whose writes were committed. */
  readonly w?: readonly string[]
}

export async function forkSteps(parts: OrchestraParts, fork: ForkedSteps): Promise<readonly Statement[]> {
  if (hasEnded(fork.state)) return []
  const statements: Statement[] = []
  const waiting = new Map<string, readonly Entry[]>()
  for (const step of fork.state.steps.values()) {
    if (step.status === 'ready') continue
    const known = fork.answered.get(step.id) ?? new Set()
    // What the run has not heard of where the fork begins is asked anew there.
    const isUnheard = ({ t, id = '' }: Entry) =>
      t === 'wait' && id.includes('/ask:') && !fork.state.questions.has(`${step.id}?${id}`)
    const { shared, rest } = split(await entriesOf(parts, fork, step.id), { known, isUnheard }, fork.all === true)
    if (shared.length === 0) continue
    waiting.set(step.id, rest)
    const kept = shared.map((entries) => entries.map((entry) => renamed(entry, fork))) as unknown as Json[]
    const id = stepJournal(fork.run, step.id)
    statements.push(...parts.journals.create(fork.user, id, 'step', parts.clock.now(), kept).fragment.statements)
  }
  return [...statements, ...(await conversations(parts, fork, waiting))]
}

async function entriesOf({ journals }: OrchestraParts, { user, source }: ForkedSteps, step: string) {
  const content = await journals.load(user, stepJournal(source.run, step))
  return (content?.records ?? []).map((record) => record.body as unknown as readonly Entry[])
}

/** A step that has asked for nothing begins anew, and so does one that started runs: those belong to the source. */
function split(
  recorded: readonly (readonly Entry[])[],
  { known, isUnheard }: { readonly known: ReadonlySet<string>; readonly isUnheard: (entry: Entry) => boolean },
  all: boolean,
) {
  const bodies = all ? beforeFailure(recorded) : recorded
  const isNew = (entry: Entry) =>
    entry.t === 'end' || (entry.t === 'reply' && !known.has(entry.id ?? '')) || isUnheard(entry)
  const waits = bodies.flat().filter((entry) => entry.t === 'wait' && !isUnheard(entry))
  if ((waits.length === 0 && !all) || waits.some(({ id }) => id?.includes('/run:'))) return { shared: [], rest: [] }
  const at = bodies.findIndex((entries) => entries.some(isNew))
  if (at < 0) return { shared: bodies, rest: [] }
  const cut = (bodies[at] as readonly Entry[]).findIndex(isNew)
  const shared = [...bodies.slice(0, at), (bodies[at] as readonly Entry[]).slice(0, cut)]
  return {
    shared: shared.filter((entries) => entries.length > 0),
    rest: [...(bodies[at] as readonly Entry[]).slice(cut), ...bodies.slice(at + 1).flat()],
  }
}

/**
 * Without the effect that the step failed with, so that it is carried out again: under its key where it is idempotent; one
 * that acts once is known to have failed, and claimed anew.
 */
function beforeFailure(bodies: readonly (readonly Entry[])[]): readonly (readonly Entry[])[] {
  const open = bodies.map((body) => body.filter(({ t }) => t !== 'end'))
  const entries = open.flat()
  const at = entries.findLastIndex(({ t, e }) => t === 'effect' && e !== undefined)
  const failed = entries[at]
  if (failed?.id === undefined || entries.slice(at + 1).some(({ t }) => goesOn.has(t))) return open
  const { id } = failed
  let left = at
  const kept = open.map((body) => {
    const before = body.slice(0, left)
    left -= before.length
    return before
  })
  const once = entries.slice(0, at).some((entry) => entry.t === 'claim' && entry.id === id && entry.c === 'once')
  return once ? [...kept, [{ t: 'released', id }]] : kept
}

/** The step took its failure in, and went on. */
const goesOn = new Set(['effect', 'claim', 'turn', 'reply', 'wait', 'body', 'commit'])

/** Conversations are named for their run. */
function renamed(entry: Entry, { source, run }: ForkedSteps): Entry {
  const one = (id: string) =>
    id.replace(`conversation:${conversationOf(source.run, '')}`, `conversation:${conversationOf(run, '')}`)
  return {
    ...entry,
    ...(entry.id === undefined ? {} : { id: one(entry.id) }),
    ...(entry.w === undefined ? {} : { w: entry.w.map(one) }),
  }
}

/** @param waiting the rests of the logs of steps that wait, which the fork does not share */
async function conversations(
  parts: OrchestraParts,
  fork: ForkedSteps,
  waiting: ReadonlyMap<string, readonly Entry[]>,
): Promise<readonly Statement[]> {
  const { user, source, run, state } = fork
  const started = source.records.flatMap(({ body }) =>
    (readRecord(body).events ?? []).flatMap((event) => (event.type === 'step.started' ? [event] : [])),
  )
  const statements: Statement[] = []
  const seen = new Set<string>()
  for (const { branch: id, node } of started) {
    const branch = state.branches.get(id)
    const name = conversationOf(source.run, `${id}@${node}`)
    if (!branch || ['completed', 'failed', 'cancelled'].includes(branch.status) || seen.has(name)) continue
    seen.add(name)
    const messages = await parts.services.conversations.load(user, name)
    if (messages.length === 0) continue
    const later = started.filter(
      (step) => step.branch === id && step.node === node && isLater(fork, step.step, waiting),
    )
    let cut = messages.length
    for (const { step } of later) {
      const entries = waiting.get(step) ?? (await entriesOf(parts, fork, step)).flat()
      cut = Math.min(cut, lengthIn(entries, name) ?? cut)
    }
    const own = conversationOf(run, `${id}@${node}`)
    for (const [i, { message, taint }] of messages.slice(0, cut).entries())
      statements.push(...parts.services.conversations.append(user, own, i, [message], taint).statements)
  }
  return statements
}

/** It was begun after the place of the fork, or is carried out again there. */
const isLater = ({ state }: ForkedSteps, step: string, waiting: ReadonlyMap<string, unknown>): boolean => {
  if (waiting.has(step) || state.steps.has(step)) return true
  const at = step.lastIndexOf('#')
  return Number(step.slice(at + 1)) > (state.branches.get(step.slice(0, at))?.steps ?? 0)
}

/** How long the conversation was before what these entries tell of: when a step opened it, or first added to it. */
function lengthIn(entries: readonly Entry[], name: string): number | undefined {
  for (const { t, id, v, w = [] } of entries) {
    if (t === 'answer' && typeof v === 'number' && id?.includes(`conversation:${name}#`)) return v
    const added = w.find((call) => call.includes(`conversation:${name} `))
    if (added !== undefined) return Number(/ (\d+)#\d+$/.exec(added)?.[1])
  }
  return undefined
}
