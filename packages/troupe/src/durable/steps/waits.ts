/** Waits: calls whose answer comes by the inbox of the step, and that hold no process meanwhile. */
import { duration, failure, type Json, type StoredError, storeError, type TaintLabel } from '../../core/index.ts'
import type { InboxRow } from '../inbox-port.ts'
import type { Wait } from '../recorder-port.ts'
import { timerSender } from '../timers/create-timers.ts'
import type { CallId } from './call-identity.ts'
import { createItem, type Life } from './life.ts'
import { entryText } from './log-entry.ts'
import { settlementSender } from './uncertain.ts'

export interface Asked {
  readonly id: CallId
  readonly hash: string
  readonly wait: Wait
}

/** The sender that an answer in an inbox names. */
export const answerSender = 'answer'

const timerPrefix = 'wait:'
export const timerOf = (id: CallId): string => `${timerPrefix}${id}`

/** A wait for people who know its step: `The request note to A`, `The answer to a question`. */
function inWords(id: CallId): string {
  const [, kind = '', name = ''] = /^[^/]*\/([^:]*):(.*)#\d+$/s.exec(id) ?? []
  return kind === 'ask' ? `The answer to ${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}` : `The ${kind} ${name}`
}

/** Takes a row of the inbox into the log. What nobody waits for any more changes nothing. */
export function receive(life: Life, row: InboxRow): void {
  if (row.from === answerSender) {
    reply(life, row.name, row.body as Answer)
  } else if (row.from === timerSender && row.name.startsWith(timerPrefix)) {
    const id = row.name.slice(timerPrefix.length)
    const limit = duration(row.body as number)
    reply(life, id, { error: storeError(failure('timeout', { what: inWords(id), kind: 'wait', limit })) })
  } else if (row.from === settlementSender)
    settle(life, row.name, row.body as { readonly happened: boolean; readonly output?: Json })
}

type Answer = ({ readonly value: Json } | { readonly error: StoredError }) & { readonly taint?: readonly TaintLabel[] }

function reply(life: Life, id: CallId, answer: Answer): void {
  const wait = life.log.waits.get(id)
  if (!wait || wait.answered) return
  wait.answered = true
  life.waits.delete(id)
  const { spec } = life.options.host
  const fragment =
    wait.due === undefined ? undefined : life.options.timers.clear(spec.principal.userId, spec.id, timerOf(id))
  const item = createItem('reply', id, answer)
  const fields = { t: 'reply' as const, id, ...(answer.taint ? { l: answer.taint } : {}) }
  if ('error' in answer) life.record(item, { ...fields, e: answer.error }, undefined, { durable: true, fragment })
  else life.record(item, fields, JSON.stringify(answer.value), { durable: true, fragment })
}

function settle(
  life: Life,
  id: CallId,
  { happened, output }: { readonly happened: boolean; readonly output?: Json },
): void {
  const claim = life.log.claims.get(id)
  if (!claim?.uncertain || claim.outcome) return
  claim.uncertain = false
  const waiting = life.uncertain.get(id)
  life.uncertain.delete(id)
  life.delivery.setPassive(id, false)
  if (happened) {
    claim.outcome = true
    const item = createItem('effect', id, { value: output, hash: claim.hash })
    const text = output === undefined ? undefined : JSON.stringify(output)
    life.record(item, { t: 'effect', id }, text, { durable: true })
    return
  }
  // Durable first: a crash after this finds a claim whose outcome is unknown again.
  life.appender.add(entryText({ t: 'not-happened', id }))
  claim.cleared = new Promise((resolve) => life.appender.whenDurable(resolve))
  life.appender.flush()
  waiting?.rerun()
}
