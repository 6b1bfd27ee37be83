/**
 * Tells listeners which inboxes have something new. A hint of the storage makes it look; it begins with everything that
 * lay there before, so that a process which starts misses nothing.
 */
import { sql } from 'kysely'
import type { Clock } from '../../core/index.ts'
import { rawTemplates, type Storage } from '../../storage/index.ts'
import type { JournalId } from '../journal-port.ts'

export type ArrivalListener = (user: string, journal: JournalId) => void

const batch = 1_000
/** After a read that failed: the storage says by its state when it is well again. */
const pauseMs = 1_000

export function createArrivals(storage: Storage, clock: Clock): { on(listener: ArrivalListener): () => void } {
  const newer = rawTemplates(storage.dialect)<{ after: number; limit: number }>(
    (p) => sql`select id, user_id, journal_id from inbox_arrivals where id > ${p.after} order by id limit ${p.limit}`,
  )
  const listeners = new Set<ArrivalListener>()
  let seen = 0
  let polling = false
  let needsRecheck = false
  let unhint: (() => void) | undefined

  const notify = (user: string, journal: JournalId) => {
    for (const listener of [...listeners]) listener(user, journal)
  }
  const poll = async () => {
    if (polling) {
      needsRecheck = true
      return
    }
    polling = true
    try {
      do {
        needsRecheck = false
        const [rows] = await storage.read({ work: true }, [newer({ after: seen, limit: batch }, { returns: true })])
        const notified = new Set<string>()
        for (const row of rows ?? []) {
          seen = Number(row.id)
          const recipient = JSON.stringify([row.user_id, row.journal_id])
          if (notified.has(recipient)) continue
          notified.add(recipient)
          notify(row.user_id as string, row.journal_id as string)
        }
        if (rows?.length === batch) needsRecheck = true
      } while (needsRecheck && listeners.size > 0)
    } catch {
      // Reads fail when the storage does, which its state tells; nothing is lost, the rows wait.
      if (listeners.size > 0 && storage.state().state !== 'closed')
        clock.after(pauseMs, () => void poll(), { background: true })
    } finally {
      polling = false
    }
  }
  const begin = () => {
    unhint = storage.onHint((hint) => {
      if ('work' in hint && (hint.work === 'runs' || hint.work === 'steps')) void poll()
    })
  }
  return {
    on(listener) {
      listeners.add(listener)
      if (!unhint) begin()
      // Whoever listens anew must hear of what others were told before.
      seen = 0
      void poll()
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        unhint?.()
        unhint = undefined
      }
    },
  }
}
