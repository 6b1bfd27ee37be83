/** Effects whose outcome nobody knows: listed for people, settled by their decision, never repeated by themselves. */
import { sql } from 'kysely'
import { checkOptions, encodeJson, failure, type Json } from '../../core/index.ts'
import { type Fragment, rawTemplates, type Storage } from '../../storage/index.ts'
import type { Settlement } from '../effect-port.ts'
import type { Inbox } from '../inbox-port.ts'
import type { JournalId } from '../journal-port.ts'
import type { UncertainEffect } from '../steps-port.ts'
import type { CallId } from './call-identity.ts'

/** The sender that a settlement in an inbox names. */
export const settlementSender = 'settlement'

export interface UncertainEffects {
  add(user: string, step: JournalId, call: CallId, effect: string): Fragment
  remove(user: string, step: JournalId, call: CallId): Fragment
  list(user: string): Promise<readonly UncertainEffect[]>
  settle(user: string, step: JournalId, call: CallId, settlement: Settlement): Fragment
}

interface Place {
  readonly user: string
  readonly step: string
  readonly call: string
}

/** What says neither is refused: it would be carried out again. @throws ValidationError */
function readSettlement(settlement: Settlement): Json {
  const what = 'The settlement of an effect'
  checkOptions(what, settlement, ['happened', 'output'])
  const { happened, output } = settlement as { readonly happened?: unknown; readonly output?: unknown }
  const wrong = (problem: string) => failure('validation.failed', { what, problem })
  if (typeof happened !== 'boolean') throw wrong('it must say happened: true or happened: false')
  if (output === undefined) return { happened }
  if (!happened) throw wrong('what has not happened has no output')
  return { happened, output: JSON.parse(encodeJson(output, `${what}: its output`)) as Json }
}

export function createUncertainEffects(storage: Storage, inbox: Inbox): UncertainEffects {
  const compile = rawTemplates(storage.dialect)
  const add = compile<Place & { effect: string; now: { readonly $: 'now' } }>(
    (p) => sql`insert into uncertain_effects (user_id, journal_id, call, effect, since)
      values (${p.user}, ${p.step}, ${p.call}, ${p.effect}, ${p.now}) on conflict do nothing`,
  )
  const remove = compile<Place>(
    (p) => sql`delete from uncertain_effects where user_id = ${p.user} and journal_id = ${p.step} and call = ${p.call}`,
  )
  const list = compile<{ user: string }>(
    (p) =>
      sql`select journal_id, call, effect, since from uncertain_effects where user_id = ${p.user} order by since, journal_id, call`,
  )
  return {
    add: (user, step, call, effect) => ({ statements: [add({ user, step, call, effect, now: { $: 'now' } })] }),
    remove: (user, step, call) => ({ statements: [remove({ user, step, call })] }),
    async list(user) {
      const [rows] = await storage.read({ user }, [list({ user }, { returns: true })])
      return (rows ?? []).map((row) => ({
        step: row.journal_id as string,
        call: row.call as string,
        effect: row.effect as string,
        since: Number(row.since),
      }))
    },
    settle(user, step, call, settlement) {
      const removed = remove(
        { user, step, call },
        { expect: { rows: 1 }, otherwise: 'effect.settled', detail: { effect: call, step } },
      )
      const put = inbox.put(user, step, settlementSender, call, readSettlement(settlement))
      return { ...put, statements: [removed, ...put.statements] }
    },
  }
}
