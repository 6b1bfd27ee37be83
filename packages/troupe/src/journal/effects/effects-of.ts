/** The effects of a step, read back from its journal. */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { EffectClass } from '../effect-port.ts'
import type { JournalRecord } from '../journal-port.ts'
import type { CallId } from '../replay/call-id.ts'
import type { LogEntry } from '../replay/log-entry.ts'
import type { RecordedEffect } from '../steps-port.ts'

interface Found {
  readonly call: CallId
  readonly hash: string
  key: string | undefined
  claimedAt?: number
  recordedAt?: number
  attempts: number
  class: EffectClass
  state: RecordedEffect['state']
  input?: Json
  output?: Json
  error?: StoredError
  problem?: string
  taint?: readonly TaintLabel[]
}

export function effectsOf(records: readonly JournalRecord[]): readonly RecordedEffect[] {
  const effects = new Map<CallId, Found>()
  for (const record of records) for (const entry of record.body as LogEntry[]) foldEntry(effects, entry, record.at)
  return [...effects.values()].map((effect) => ({ ...effect, name: nameOf(effect.call) }))
}

/** @param at the time of the record that holds the entry */
function foldEntry(effects: Map<CallId, Found>, entry: LogEntry, at: number): void {
  switch (entry.t) {
    case 'claim':
      effects.set(entry.id, {
        call: entry.id,
        hash: entry.h,
        key: entry.k,
        claimedAt: at,
        attempts: (effects.get(entry.id)?.attempts ?? 0) + 1,
        class: entry.c,
        state: 'claimed',
        ...(entry.i === undefined ? {} : { input: entry.i }),
      })
      return
    case 'effect': {
      if (entry.r) return
      const unclaimed = {
        call: entry.id,
        hash: entry.h ?? '',
        key: undefined,
        attempts: 1,
        class: 'read',
        state: 'claimed',
      } as const
      const known = effects.get(entry.id) ?? unclaimed
      const outcome = {
        ...(entry.v === undefined ? {} : { output: entry.v }),
        ...(entry.e === undefined ? {} : { error: entry.e }),
        ...(entry.l === undefined ? {} : { taint: entry.l }),
      }
      effects.set(entry.id, { ...known, ...outcome, recordedAt: at, state: entry.e ? 'failed' : 'done' })
      return
    }
    case 'released':
      if (effects.get(entry.id)?.state !== 'not-happened') effects.delete(entry.id)
      return
    case 'uncertain':
    case 'not-happened': {
      const known = effects.get(entry.id)
      if (!known) return
      known.state = entry.t
      if (entry.t === 'uncertain' && entry.p !== undefined) known.problem = entry.p
    }
  }
}

/** `STAGE/effect:NAME#N`, with the key in brackets where the caller gave one. */
const nameOf = (call: CallId): string => call.slice(call.indexOf('/effect:') + '/effect:'.length, call.lastIndexOf('#'))
