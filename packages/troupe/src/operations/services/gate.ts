/** The gate of a troupe: whether it accepts new work. */
import { failure, type TroupeError } from '../../core/index.ts'

export class Gate {
  state: 'open' | 'restored' | 'draining' | 'closed' = 'open'
  /** Resolves when the work of a draining troupe has ended or was released; at once while the troupe does not drain. */
  workEnded: Promise<unknown> = Promise.resolve()
  /** True from the call of `close` on, which waits for work in progress before the state changes. */
  isClosing = false
  #backupAt = ''

  /** @param backupAt the time of the backup from which the database was restored */
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
   * Checks that a worker may start: a worker that starts while others are being stopped would not be stopped.
   * @throws the errors of `check`
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
