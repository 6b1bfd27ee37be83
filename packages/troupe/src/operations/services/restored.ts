/**
 * A database that was restored from a backup, until it is resumed. The original may have done its pending work since the backup,
 * so timers, schedules, runs and messages are stopped. All data can be read, the context written, and users erased.
 */
import type { Clock, Events } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'
import type { AuditLog } from '../../security/index.ts'
import { endRestoration, type OpenedStorage, type Restoration, readRestoration } from '../../storage/index.ts'
import type { Gate } from './gate.ts'

export interface RestoredParts {
  readonly storage: OpenedStorage
  readonly clock: Clock
  readonly events: Events
  readonly gate: Gate
  readonly log: Log
  readonly audit: Pick<AuditLog, 'list' | 'record'>
}

export class Restored {
  readonly #parts: RestoredParts
  #mark: Restoration | undefined
  #begin = () => {}
  #unhint = () => {}
  #polling: Promise<unknown> = Promise.resolve()

  constructor(parts: RestoredParts) {
    this.#parts = parts
  }

  get mark(): Restoration | undefined {
    return this.#mark
  }

  /** @param begin starts the stopped work */
  async open(mode: 'wait' | 'resume', begin: () => void): Promise<void> {
    const { storage, clock, events, gate, log } = this.#parts
    this.#mark = await readRestoration(storage)
    if (!this.#mark || this.#mark.resumedAt !== undefined) return begin()
    const { installation, backupAt } = this.#mark
    this.#begin = begin
    gate.wait(backupAt)
    events.emit({ type: 'troupe.restored', at: clock.now(), installation, backupAt })
    await this.#recordOnce('backup.restore', installation)
    if (mode === 'resume') return this.resume()
    log.warn(
      'the database was restored from a backup: work resumes after `troupe resume-restored` or resumeRestored()',
      { backupAt },
    )
    // Another process on this database may resume it.
    this.#unhint = storage.onHint((hint) => {
      if ('work' in hint && hint.work === 'cleanup')
        this.#polling = this.#polling
          .then(() => this.#poll())
          .catch((error: unknown) =>
            log.warn('the check whether the restored database is resumed failed', { error: error as Error }),
          )
    })
  }

  /** Does nothing if the database is not restored. */
  async resume(): Promise<void> {
    const { storage, clock, gate } = this.#parts
    if (gate.state !== 'restored') return
    await endRestoration(storage, new Date(clock.now()).toISOString())
    if (this.#mark) await this.#recordOnce('backup.resume', this.#mark.installation)
    await this.#poll()
  }

  /** Only the first of several processes or openings reports it. */
  async #recordOnce(operation: string, resource: string): Promise<void> {
    const { audit } = this.#parts
    const { items } = await audit.list({ operation, resource, limit: 1 })
    if (items.length === 0) audit.record({ actor: 'host', operation, resource, allowed: true })
  }

  async stop(): Promise<void> {
    this.#unhint()
    await this.#polling
  }

  async #poll(): Promise<void> {
    const { storage, clock, events, gate } = this.#parts
    const mark = await readRestoration(storage)
    if (gate.state !== 'restored' || mark?.resumedAt === undefined) return
    this.#mark = mark
    this.#unhint()
    gate.state = 'open'
    this.#begin()
    events.emit({ type: 'troupe.resumed', at: clock.now(), installation: mark.installation })
  }
}
