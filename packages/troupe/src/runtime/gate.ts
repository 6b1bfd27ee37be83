/** Whether the troupe takes anything in. */
import { failure, type TroupeError } from '../core/index.ts'

export class Gate {
  state: 'open' | 'restored' | 'draining' | 'closed' = 'open'
  /** Of a troupe that drains: until what is at work has ended or was given back. */
  turns: Promise<unknown> = Promise.resolve()
  #backupAt = ''

  /** @param backupAt when the backup was made that the database came out of */
  wait(backupAt: string): void {
    this.state = 'restored'
    this.#backupAt = backupAt
  }

  /** @throws CancelledError `troupe.draining`, `troupe.closed`; ConflictError `troupe.restored` */
  check(what: string): void {
    if (this.state === 'closed') throw failure('troupe.closed', { what })
    if (this.state === 'draining') throw failure('troupe.draining', { what })
    const refusal = this.waiting(what)
    if (refusal) throw refusal
  }

  /** @returns `troupe.restored` until the database is resumed */
  waiting(what: string): TroupeError | undefined {
    return this.state === 'restored' ? failure('troupe.restored', { what, backupAt: this.#backupAt }) : undefined
  }
}
