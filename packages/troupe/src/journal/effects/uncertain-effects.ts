/** Effects with unknown outcomes: listed for people, resolved by their decision, never repeated automatically. */
import { sql } from 'kysely'
import { asJson, checkOptions, copyJson, invalidInput, type Json } from '../../core/index.ts'
import { committed, type Fragment, type Storage, templates } from '../../storage/index.ts'
import type { Resolution } from '../effect-port.ts'
import type { Inbox } from '../inbox-port.ts'
import { allRecords, type JournalId } from '../journal-port.ts'
import type { Journals } from '../journals/create-journals.ts'
import type { CallId } from '../replay/call-id.ts'
import { checkRecordable } from '../replay/check-recordable.ts'
import type { LogEntry } from '../replay/log-entry.ts'
import type { RecordedEffect, UncertainList } from '../steps-port.ts'
import { effectsOf } from './effects-of.ts'

/** The sender of a resolution in an inbox. */
export const resolutionSender = 'resolution'

export interface UncertainEffects {
  add(user: string, step: JournalId, call: CallId, effect: string): Fragment
  remove(user: string, step: JournalId, call: CallId): Fragment
  /** Removes all effects of a step. */
  drop(user: string, step: JournalId): Fragment
  /** Adds the claimed effects of a stopped step whose outcome is unknown. */
  addUnknown(user: string, step: JournalId): Promise<void>
  readonly listed: UncertainList
  resolve(user: string, step: JournalId, call: CallId, resolution: Resolution): Fragment
  /** Removes an effect from the list and records its resolution in the journal of its ended step; undefined if the step may continue. */
  resolveEnded(user: string, step: JournalId, call: CallId, resolution: Resolution): Promise<Fragment | undefined>
}

interface EffectKey {
  readonly user: string
  readonly step: string
  readonly call: string
}

/** Checks a resolution. One without a decision is rejected, since the effect would be repeated. @throws ValidationError */
function readResolution(call: CallId, resolution: Resolution): { readonly happened: boolean; readonly output?: Json } {
  const what = 'The resolution of an effect'
  checkOptions(what, resolution, ['happened', 'output'])
  const { happened, output } = resolution as { readonly happened?: unknown; readonly output?: unknown }
  const wrong = (problem: string) => invalidInput(what, problem)
  if (typeof happened !== 'boolean') throw wrong('it must say happened: true or happened: false')
  if (output === undefined) return { happened }
  if (!happened) throw wrong('an effect that did not happen has no output')
  const copy = copyJson(output, `${what}: its output`)
  checkRecordable(call, JSON.stringify(copy), `${what}: its output`)
  return { happened, output: copy }
}

export function createUncertainEffects(storage: Storage, inbox: Inbox, journals: Journals): UncertainEffects {
  const compile = templates(storage.dialect)
  const add = compile<EffectKey & { effect: string; now: { readonly $: 'now' } }>(
    (p) => sql`insert into uncertain_effects (user_id, journal_id, call, effect, since)
      values (${p.user}, ${p.step}, ${p.call}, ${p.effect}, ${p.now}) on conflict do nothing`,
  )
  const remove = compile<EffectKey>(
    (p) => sql`delete from uncertain_effects where user_id = ${p.user} and journal_id = ${p.step} and call = ${p.call}`,
  )
  const drop = compile<{ user: string; step: string }>(
    (p) => sql`delete from uncertain_effects where user_id = ${p.user} and journal_id = ${p.step}`,
  )
  const list = compile<{ user: string }>(
    (p) =>
      sql`select journal_id, call, effect, since from uncertain_effects where user_id = ${p.user} order by since, journal_id, call`,
  )
  const removeExpected = (user: string, step: string, call: string) =>
    remove({ user, step, call }, { expect: { rows: 1 }, otherwise: 'effect.resolved', detail: { effect: call, step } })
  const listed: UncertainList = {
    async list(user) {
      const [rows = []] = await storage.read({ user }, [listed.statement(user)])
      return listed.read(rows)
    },
    statement: (user) => list({ user }, { returns: true }),
    read: (rows) =>
      rows.map((row) => ({
        step: row.journal_id as string,
        call: row.call as string,
        effect: row.effect as string,
        since: Number(row.since),
      })),
  }
  return {
    listed,
    add: (user, step, call, effect) => ({ statements: [add({ user, step, call, effect, now: { $: 'now' } })] }),
    remove: (user, step, call) => ({ statements: [remove({ user, step, call })] }),
    drop: (user, step) => ({ statements: [drop({ user, step })] }),
    async addUnknown(user, step) {
      const unknown = effectsOf(await journals.read(user, step, 0, allRecords)).filter(
        (effect) => effect.class === 'at-most-once' && effect.state === 'claimed',
      )
      if (unknown.length === 0) return
      const entries = unknown.map(({ call }): LogEntry => ({ t: 'uncertain', id: call }))
      const amended = await journals.amend(user, step, [asJson(entries)])
      if (!amended) return
      const rows = unknown.map((effect) =>
        add({ user, step, call: effect.call, effect: nameWithoutKey(effect), now: { $: 'now' } }),
      )
      const statements = [...rows, ...amended.statements]
      await committed(storage, { id: null, scope: { user }, ...amended, statements })
    },
    async resolveEnded(user, step, call, resolution) {
      const { happened, output } = readResolution(call, resolution)
      const effect: LogEntry = { t: 'effect', id: call, ...(output === undefined ? {} : { v: output }) }
      const never: LogEntry[] = [
        { t: 'not-happened', id: call },
        { t: 'released', id: call },
      ]
      const amended = await journals.amend(user, step, [asJson(happened ? [effect] : never)])
      return amended && { ...amended, statements: [removeExpected(user, step, call), ...amended.statements] }
    },
    resolve(user, step, call, resolution) {
      const removed = removeExpected(user, step, call)
      const put = inbox.put(user, step, resolutionSender, call, readResolution(call, resolution))
      return { ...put, statements: [removed, ...put.statements] }
    },
  }
}

const nameWithoutKey = ({ name, key }: RecordedEffect): string =>
  name.endsWith(`[${key}]`) ? name.slice(0, -`[${key}]`.length) : name
