/** Waits: calls whose answer arrives in the inbox of the step, and that occupy no process meanwhile. */
import { duration, failure, type Json, type StoredError, storeError, type TaintLabel } from '../../core/index.ts'
import { inputHash } from '../effects/run-effect.ts'
import { resolutionSender } from '../effects/uncertain-effects.ts'
import type { InboxRow } from '../inbox-port.ts'
import type { CallName, Wait } from '../recorder-port.ts'
import type { CallId } from '../replay/call-id.ts'
import { checkRecordable } from '../replay/check-recordable.ts'
import { entryText } from '../replay/log-entry.ts'
import { timerSender } from '../timers/create-timers.ts'
import { createItem, type Execution } from './execution.ts'

export interface PendingWait {
  readonly id: CallId
  readonly hash: string
  readonly wait: Wait
}

export const waitHash = ({ kind }: CallName, input: Json): string => inputHash(input, `The input of ${kind}`)

/** The sender that an answer in an inbox names. */
export const answerSender = 'answer'

const timerPrefix = 'wait:'
export const timerOf = (id: CallId): string => `${timerPrefix}${id}`

/** Returns a wait as text for people who know its step: `The request note to A`, `The answer to a question`. */
function inWords(id: CallId): string {
  const [, kind = '', name = ''] = /^[^/]*\/([^:]*):(.*)#\d+$/s.exec(id) ?? []
  return kind === 'ask' ? `The answer to ${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}` : `The ${kind} ${name}`
}

/** The time in ms after the start of a process within which an overdue question can still be answered. */
export const answerTimeMs = 60_000

/**
 * Returns when a question expires, if that is later: one that was asked before this process started, or before its machine
 * was suspended, does not expire before the process has been back for a minute.
 */
function expiresLater({ record, options }: Execution, id: CallId, timeoutMs: number): number | undefined {
  const due = record.waits.get(id)?.due
  const isOfPerson = /\/ask:[^/]*#\d+$/s.test(id)
  if (due === undefined || !isOfPerson) return undefined
  const { lastReturn, clock } = options
  const backAt = lastReturn.update()
  if (due - timeoutMs >= backAt) return undefined
  const from = backAt + answerTimeMs
  return clock.now() < from ? from : undefined
}

function setLater(execution: Execution, id: CallId, timeoutMs: number, due: number): void {
  const { spec } = execution
  const { timers, buffer } = execution.options
  buffer.addFragment(timers.set(spec.principal.userId, spec.id, timerOf(id), due, timeoutMs))
}

/** Adds a row of the inbox to the record. A row for which no call waits has no effect. */
export function receive(execution: Execution, row: InboxRow): void {
  if (row.from === answerSender) {
    reply(execution, row.name, row.body as Answer)
  } else if (row.from === timerSender && row.name.startsWith(timerPrefix)) {
    const id = row.name.slice(timerPrefix.length)
    const later = expiresLater(execution, id, row.body as number)
    if (later !== undefined) {
      setLater(execution, id, row.body as number, later)
      return
    }
    const limit = duration(row.body as number)
    reply(execution, id, { error: storeError(failure('timeout', { what: inWords(id), kind: 'wait', limit })) })
  } else if (row.from === resolutionSender)
    applyResolution(execution, row.name, row.body as { readonly happened: boolean; readonly output?: Json })
}

type Answer = ({ readonly value: Json } | { readonly error: StoredError }) & { readonly taint?: readonly TaintLabel[] }

function reply(execution: Execution, id: CallId, answer: Answer): void {
  const wait = execution.record.waits.get(id)
  if (!wait || wait.answered) return
  wait.answered = true
  execution.waits.delete(id)
  const { spec } = execution
  const fragment =
    wait.due === undefined ? undefined : execution.options.timers.clear(spec.principal.userId, spec.id, timerOf(id))
  const { text, ...outcome } = recordable(id, answer)
  const item = createItem('reply', id, { ...outcome, ...(answer.taint ? { taint: answer.taint } : {}) })
  const fields = {
    t: 'reply' as const,
    id,
    ...(answer.taint ? { l: answer.taint } : {}),
    ...('error' in outcome ? { e: outcome.error } : {}),
  }
  execution.answer(item, fields, text, { durable: true, fragment })
}

/** Returns the answer with its text. An answer that no record can contain becomes an error, since it would stop each execution. */
function recordable(
  id: CallId,
  answer: Answer,
): { readonly value: Json; readonly text: string } | { readonly error: StoredError; readonly text?: undefined } {
  if ('error' in answer) return { error: answer.error }
  const text = JSON.stringify(answer.value)
  try {
    checkRecordable(id, text, inWords(id))
    return { value: answer.value, text }
  } catch (error) {
    return { error: storeError(error) }
  }
}

function applyResolution(
  execution: Execution,
  id: CallId,
  { happened, output }: { readonly happened: boolean; readonly output?: Json },
): void {
  const claim = execution.record.claims.get(id)
  if (!claim?.uncertain || claim.outcome) return
  claim.uncertain = false
  execution.uncertain.delete(id)
  execution.cursor.setPassive(id, false)
  if (happened) {
    claim.outcome = true
    const item = createItem('effect', id, { value: output, hash: claim.hash })
    const text = output === undefined ? undefined : JSON.stringify(output)
    execution.answer(item, { t: 'effect', id }, text, { durable: true })
    return
  }
  // Recorded first: after a crash the claim has an unknown outcome again.
  claim.cleared = 'recorded'
  execution.buffer.clear(id, entryText({ t: 'not-happened', id }))
}

/** Executes effects whose resolution as not happened is durable. */
export function clearEffects(execution: Execution, ids: readonly CallId[]): void {
  for (const id of ids) {
    const claim = execution.record.claims.get(id)
    if (claim) claim.cleared = 'durable'
    const carryOut = execution.cleared.get(id)
    execution.cleared.delete(id)
    carryOut?.()
  }
}
