/**
 * The records that a fork shares with the steps of its source: those of waiting steps, up to the first answer that the
 * fork does not share, and the threads of LlmAgents that continue.
 */

import type { StoredMessage } from '../../../agents/index.ts'
import { isObject } from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { hasEnded } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { childIn } from '../children/child-run-id.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { threadOf } from '../store/run-journals.ts'
import { readRecord } from '../store/run-record.ts'
import { isThreadOfUser, stepThread } from '../threads/run-threads.ts'
import { failedCalls } from './failed-calls.ts'
import { type ForkedChildren, forkChildren, isChild, withChildren } from './fork-children.ts'
import { forkFiles } from './fork-files.ts'
import type { ForkedSteps, StepLogEntry } from './forked-steps.ts'

/** The journal of one open step, divided at the fork. */
export interface SharedLog {
  /** The records that the fork shares. */
  readonly shared: readonly (readonly StepLogEntry[])[]
  /** The later records of the source. */
  readonly rest: readonly StepLogEntry[]
}

/** Divides the journals of the steps that are open where the fork begins, by step. */
export async function shareLogs(parts: OrchestraParts, fork: ForkedSteps): Promise<ReadonlyMap<string, SharedLog>> {
  const logs = new Map<string, SharedLog>()
  if (hasEnded(fork.state)) return logs
  for (const step of viewOf(fork.state).steps()) {
    if (step.status === 'ready') continue
    const known = fork.answered.get(step.id) ?? new Set()
    const sent = answersTo(fork, step.id)
    const entries = await entriesOf(parts, fork, step.id)
    const replied = new Set(entries.flat().flatMap(({ t, id = '' }) => (t === 'reply' ? [id] : [])))
    // No agent of the fork would handle the request, and an agent outside the run replies to the source.
    const isUnasked = (id: string) => !fork.serving.has(`${step.id}>${id}`) && (sent.has(id) || !replied.has(id))
    // A request that was open where the fork begins is sent again; an open child run belongs to the source.
    const isUnknownToFork = ({ t, id = '', v }: StepLogEntry) =>
      (t === 'wait' && id.includes('/ask:') && !viewOf(fork.state).hasAsked(step.id, `${step.id}?${id}`)) ||
      (t === 'wait' && id.includes('/request:') && isUnasked(id)) ||
      (isChild({ t, id }) && fork.all !== true && !fork.charged.has(String(v)))
    const isKnown = (id: string) => {
      const child = childIn(id)
      if (child !== undefined) return fork.all === true || fork.charged.has(child)
      // An agent outside the run answers the step, not the run.
      return known.has(id) || !(sent.has(id) || fork.serving.has(`${step.id}>${id}`))
    }
    const isOutside = (id: string) => id.includes('/request:') && isKnown(id) && !known.has(id)
    const recorded = fork.all === true ? beforeFailure(entries, isOutside) : entries
    const log = split(recorded, { isKnown, isUnknownToFork }, fork.all === true)
    if (log.shared.length > 0) logs.set(step.id, log)
  }
  return logs
}

/** Returns the calls that the fork shares with its source, by step. */
export const sharedCalls = (logs: ReadonlyMap<string, SharedLog>): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map([...logs].map(([step, { shared }]) => [step, new Set(shared.flat().flatMap(({ id }) => id ?? []))]))

/** @param logs the result of `shareLogs` */
export async function forkSteps(
  parts: OrchestraParts,
  fork: ForkedSteps,
  logs: ReadonlyMap<string, SharedLog>,
): Promise<readonly Statement[]> {
  const statements: Statement[] = []
  if (hasEnded(fork.state)) return statements
  for (const [step, { shared }] of logs) {
    const children = await forkChildren(parts, fork, step, shared.flat())
    const copied = shared.map((entries) =>
      entries.map((entry) => asShared(renamed(entry, fork, { step, children: children.names }))),
    )
    const { fragment } = parts.journal.journals.create(
      fork.user,
      stepJournal(fork.run, step),
      'step',
      parts.platform.clock.now(),
      copied,
    )
    statements.push(...fragment.statements, ...children.statements)
  }
  const waiting = new Map([...logs].map(([step, { rest }]) => [step, rest]))
  const shared = new Map([...logs].map(([step, log]) => [step, log.shared.flat()]))
  const files = await forkFiles(parts, fork, { shared, isLater: (step) => isLater(fork, step, waiting) })
  return [...statements, ...(await threadMessages(parts, fork, waiting)), ...files]
}

/** Returns the waits of a step that its run has answered, up to the end of the source. */
const answersTo = ({ source }: ForkedSteps, step: string): ReadonlySet<string> =>
  new Set(
    source.records.flatMap(({ body }) =>
      (readRecord(body).events ?? []).flatMap((event) =>
        event.type === 'answer.delivered' && event.step === step ? [event.wait] : [],
      ),
    ),
  )

async function entriesOf({ journal: { journals } }: OrchestraParts, { user, source }: ForkedSteps, step: string) {
  const content = await journals.load(user, stepJournal(source.run, step))
  // Restarts count only for the run whose process ended.
  const bodies = (content?.records ?? []).map(({ body }) =>
    (body as readonly StepLogEntry[]).filter(({ t }) => t !== 'restarted' && t !== 'stopped'),
  )
  return bodies.filter((entries) => entries.length > 0)
}

/** A step without calls starts again. */
function split(
  bodies: readonly (readonly StepLogEntry[])[],
  {
    isKnown,
    isUnknownToFork,
  }: { readonly isKnown: (wait: string) => boolean; readonly isUnknownToFork: (entry: StepLogEntry) => boolean },
  all: boolean,
) {
  const isNew = (entry: StepLogEntry) =>
    entry.t === 'end' || (entry.t === 'reply' && !isKnown(entry.id ?? '')) || isUnknownToFork(entry)
  const waits = bodies.flat().filter((entry) => entry.t === 'wait' && !isUnknownToFork(entry))
  if (waits.length === 0 && !all) return { shared: [], rest: [] }
  const at = bodies.findIndex((entries) => entries.some(isNew))
  if (at < 0) return { shared: bodies, rest: [] }
  const cut = (bodies[at] as readonly StepLogEntry[]).findIndex(isNew)
  const before = [...bodies.slice(0, at), (bodies[at] as readonly StepLogEntry[]).slice(0, cut)]
  const after = [...(bodies[at] as readonly StepLogEntry[]).slice(cut), ...bodies.slice(at + 1).flat()]
  const isWait = waitsForChildrenIn(before.flat())
  const shared = [...before, after.filter(isWait)]
  return { shared: shared.filter((entries) => entries.length > 0), rest: after.filter((entry) => !isWait(entry)) }
}

/** A step that has the id of a child run waits for that run; without the wait it would start the run with the same id. */
function waitsForChildrenIn(entries: readonly StepLogEntry[]): (entry: StepLogEntry) => boolean {
  const children = new Set(entries.filter(isChild).map(({ v }) => String(v)))
  return ({ t, id = '' }) => t === 'wait' && children.has(childIn(id) ?? '')
}

/**
 * Returns the records without the failure of the step, so that the step executes again. An idempotent effect keeps its
 * claim and its key. An `at-most-once` effect, which has failed for certain, gets a new claim, and so does a failed
 * child run. A request to an agent outside the run is sent again; the run repeats its own requests.
 */
function beforeFailure(
  bodies: readonly (readonly StepLogEntry[])[],
  isOutside: (wait: string) => boolean,
): readonly (readonly StepLogEntry[])[] {
  const open = bodies.map((body) => body.filter(({ t }) => t !== 'end'))
  const entries = open.flat()
  const indexes = failedCalls(entries)
  const first = Math.min(...indexes)
  const failed = new Set([...indexes].map((index) => entries[index] as StepLogEntry))
  const later = new Set(entries.filter(({ t }, i) => i > first && !isOutcome.has(t)))
  const ids = new Set([...failed].map(({ id = '' }) => id))
  const unasked = new Set([...failed].flatMap(({ t, id = '' }) => (t === 'reply' && isOutside(id) ? [id] : [])))
  const isOmitted = (entry: StepLogEntry) =>
    failed.has(entry) || later.has(entry) || (entry.t === 'wait' && unasked.has(entry.id ?? ''))
  const released = entries.flatMap(({ t, c, id = '' }) =>
    t === 'claim' && c === 'at-most-once' && ids.has(id) ? [{ t: 'released', id }] : [],
  )
  const retained = open.map((body) => body.filter((entry) => !isOmitted(entry)))
  return released.length > 0 ? [...retained, released] : retained
}

/** Kinds of records that hold the outcome of a call in progress at the failure; later reads are made again. */
const isOutcome = new Set(['effect', 'reply', 'released', 'uncertain', 'not-happened'])

/** The source has counted the usage of the answer of a model, so the fork does not. */
function asShared(entry: StepLogEntry): StepLogEntry {
  const { t, v } = entry
  return t === 'effect' && isObject(v) && isObject(v.usage) ? { ...entry, v: { ...v, isShared: true } } : entry
}

/** The names of threads contain the id of their run, or that of the thread of the user, which the fork does not continue. */
function renamed(
  entry: StepLogEntry,
  { source, run, state }: ForkedSteps,
  { step, children }: { readonly step: string; readonly children: ForkedChildren['names'] },
): StepLogEntry {
  const branch = step.slice(0, step.lastIndexOf('#'))
  const name = `${branch}@${viewOf(state).step(step)?.node}`
  const isServing = step.includes('>')
  const before = stepThread(source.run, source.pinned, { branch, name, isServing })
  const [from, to] =
    before === threadOf(source.run, name)
      ? [threadOf(source.run, ''), threadOf(run, '')]
      : [before, threadOf(run, name)]
  const one = (id: string) => id.replace(`thread:${from}`, `thread:${to}`)
  return withChildren(
    {
      ...entry,
      ...(entry.id === undefined ? {} : { id: one(entry.id) }),
      ...(entry.w === undefined ? {} : { w: entry.w.map(one) }),
    },
    children,
  )
}

/** @param waiting the later records of waiting steps, which the fork does not share */
async function threadMessages(
  parts: OrchestraParts,
  fork: ForkedSteps,
  waiting: ReadonlyMap<string, readonly StepLogEntry[]>,
): Promise<readonly Statement[]> {
  const { user, source, run, state } = fork
  const started = source.records.flatMap(({ body }) =>
    (readRecord(body).events ?? []).flatMap((event) => (event.type === 'step.started' ? [event] : [])),
  )
  const statements: Statement[] = []
  const seen = new Set<string>()
  // A step that has not started yet reads the thread of the user too.
  const unstarted =
    source.pinned.thread?.kind === 'agent'
      ? [...viewOf(state).branches()].map((branch) => ({ branch: branch.id, node: branch.node }))
      : []
  for (const { branch: id, node } of [...started, ...unstarted]) {
    const branch = viewOf(state).branch(id)
    const branchNode = `${id}@${node}`
    const name = stepThread(source.run, source.pinned, { branch: id, name: branchNode, isServing: false })
    if (!branch || ['completed', 'failed', 'cancelled'].includes(branch.status) || seen.has(name)) continue
    seen.add(name)
    const messages = await parts.agents.services.records.threadMessages.load(user, name)
    if (messages.length === 0) continue
    const later = started.filter(
      (step) => step.branch === id && step.node === node && isLater(fork, step.step, waiting),
    )
    let cut = isThreadOfUser(name) ? endOfRun(messages, fork) : messages.length
    for (const { step } of later) {
      const entries = waiting.get(step) ?? (await entriesOf(parts, fork, step)).flat()
      cut = Math.min(cut, lengthIn(entries, name) ?? cut)
    }
    const own = threadOf(run, branchNode)
    for (const [i, { message, taint }] of messages.slice(0, cut).entries())
      statements.push(
        ...parts.agents.services.records.threadMessages.append(user, own, i, { messages: [message], taint }).statements,
      )
  }
  return statements
}

/** Returns the number of messages at the end of the source; others may have continued a thread of the user since. */
function endOfRun(messages: readonly StoredMessage[], { source: { run, pinned } }: ForkedSteps): number {
  const last = messages.findLastIndex((message) => message.run === run)
  return last < 0 ? (pinned.thread?.length ?? 0) : last + 1
}

/** Returns true for a step that started after the fork's event or is executed again in the fork. */
const isLater = ({ state }: ForkedSteps, step: string, waiting: ReadonlyMap<string, unknown>): boolean => {
  if (waiting.has(step) || viewOf(state).step(step)) return true
  const at = step.lastIndexOf('#')
  return Number(step.slice(at + 1)) > (viewOf(state).branch(step.slice(0, at))?.steps ?? 0)
}

/** Returns the length of the thread before these records: when a step opened it, or first appended to it. */
function lengthIn(entries: readonly StepLogEntry[], name: string): number | undefined {
  for (const { t, id, v, w = [] } of entries) {
    if (t === 'answer' && typeof v === 'number' && id?.includes(`thread:${name}#`)) return v
    const added = w.find((call) => call.includes(`thread:${name} `))
    if (added !== undefined) return Number(/ (\d+)#\d+$/.exec(added)?.[1])
  }
  return undefined
}
