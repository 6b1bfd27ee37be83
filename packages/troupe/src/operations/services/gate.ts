/** Whether the troupe takes anything in. */
import { failure, type TroupeError } from '../../core/index.ts'

export class Gate {
  state: 'open' | 'restored' | 'draining' | 'closed' = 'open'
  /** Of a troupe that drains: until what is at work has ended or was given back. */
  workEnded: Promise<unknown> = Promise.resolve()
  /** From the call of `close` on, which waits for what is at work before the state says so. */
  isClosing = false
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
    const rejection = this.waiting(what)
    if (rejection) throw rejection
  }

  /**
   * Whether a worker may begin: one that came up while the others are waited for would be stopped by nobody.
   * @throws as `check`
   */
  checkStart(what: string): void {
    if (this.isClosing) throw failure('troupe.closed', { what })
    this.check(what)
  }

  /** @returns `troupe.restored` until the database is resumed */
  waiting(what: string): TroupeError | undefined {
    return this.state === 'restored' ? failure('troupe.restored', { what, backupAt: this.#backupAt }) : undefined
  }
}
