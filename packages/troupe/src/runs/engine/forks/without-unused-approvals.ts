/**
 * Removes approvals that a fork must not share. An approval is for one call, so a fork shares it only with the record of that
 * call. Without that record the fork would make the call with an approval that was given to another run.
 */

import { approvalHash } from '../../../agents/index.ts'
import type { Json, Question } from '../../../core/index.ts'
import { inputHash } from '../../../journal/index.ts'
import type { Event } from '../../machine/machine-events.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { type SharedLog, shareLogs } from './fork-steps.ts'
import type { ForkedSteps, StepLogEntry } from './forked-steps.ts'

/** The journal of a step, from its first record. */
type Log = readonly StepLogEntry[]

interface StoredApproval {
  readonly question: string
  readonly step: string
  readonly wait: string
  readonly ask: Question
}

interface SharedPrefix {
  readonly fork: ForkedSteps
  readonly events: readonly Event[]
}

/**
 * Shares a prefix of the source, and shares it again without the approvals that the prefix did not use, until each remaining
 * approval has the record of its call.
 * @param share creates the prefix without the recorded answers of these questions
 */
export async function withoutUnusedApprovals<Prefix extends SharedPrefix>(
  parts: OrchestraParts,
  share: (withdrawn: ReadonlySet<string>) => Prefix,
): Promise<Prefix & { readonly logs: ReadonlyMap<string, SharedLog> }> {
  const withdrawn = new Set<string>()
  for (;;) {
    const prefix = share(withdrawn)
    const logs = await shareLogs(parts, prefix.fork)
    const unused = unusedApprovals(prefix, logs)
    if (unused.length === 0) return { ...prefix, logs }
    for (const { question } of unused) withdrawn.add(question)
  }
}

function unusedApprovals(prefix: SharedPrefix, logs: ReadonlyMap<string, SharedLog>): readonly StoredApproval[] {
  const approvals = storedApprovals(prefix)
  return approvals.filter(({ step, wait, ask }) => {
    const log = logs.get(step)?.shared.flat() ?? []
    const alike = approvals.filter((other) => other.step === step && other.ask.hash === ask.hash)
    return !isUsed(log, wait, ask, alike.length)
  })
}

/** Checks the steps that are open where the fork begins; the calls of ended steps are not made again. */
function storedApprovals({ fork: { state }, events }: SharedPrefix): readonly StoredApproval[] {
  const asked = new Map(events.flatMap((event) => (event.type === 'question.asked' ? [[event.question, event]] : [])))
  return events.flatMap((event) => {
    if (event.type !== 'question.answered' || !agrees(event.value)) return []
    const { ask, step, wait = '' } = asked.get(event.question) ?? {}
    if (ask?.kind !== 'approval' || step === undefined || !viewOf(state).step(step)) return []
    return [{ question: event.question, step, wait, ask }]
  })
}

const agrees = (answer: Json): boolean => (answer as { readonly approve?: unknown } | null)?.approve === true

/** @param count the number of approvals of the step with the same hash; each needs a call of its own */
function isUsed(log: Log, wait: string, { tool, args = null, hash }: Question, count: number): boolean {
  const reply = log.findIndex(({ t, id }) => t === 'reply' && id === wait)
  if (reply < 0) return false
  if (tool === undefined || hash !== approvalHash(tool, args)) return isFollowedByCall(log, reply)
  const input = inputHash(args, 'The arguments of an approval')
  const calls = log.flatMap((entry) => (isReleased(log, entry.id) ? [] : (callOf(entry, tool, input) ?? [])))
  return new Set(calls).size >= count
}

/** An approval that the agent's code requests names no call: it belongs to the first claim after it. */
function isFollowedByCall(log: Log, reply: number): boolean {
  const first = log.slice(reply + 1).find(({ t }) => t === 'claim')
  return first !== undefined && !isReleased(log, first.id)
}

/** A call that certainly failed is made again, so its approval is requested again. */
const isReleased = (log: Log, call: string | undefined): boolean =>
  log.some(({ t, id }) => t === 'released' && id === call)

/**
 * A tool call is recorded by its position in the turn: as one effect with its arguments, or as a body with effects of its own.
 * @returns the tool call of the record; undefined for other records
 */
function callOf({ t, id = '', h }: StepLogEntry, tool: string, input: string): string | undefined {
  if (t !== 'claim' && t !== 'effect' && t !== 'body') return undefined
  const effect = /^(?<call>.*\/effect:(?<name>.+) \d+\.\d+)#\d+$/s.exec(id)?.groups
  if (effect?.name === tool) return h === undefined || h === input ? effect.call : undefined
  const body = /^(?<call>(?:.*\/)?(?<name>[^/]+) \d+\.\d+)\/[^/]*$/s.exec(id)?.groups
  return body?.name === tool ? body.call : undefined
}
