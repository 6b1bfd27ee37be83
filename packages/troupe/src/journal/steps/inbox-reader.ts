/** The inbox of one step: its rows are taken into the log in the change that removes them. */
import type { Inbox } from '../inbox-port.ts'
import type { JournalId } from '../journal-port.ts'
import type { Appender } from '../turns/appender.ts'
import type { Execution } from './execution.ts'
import { receive } from './waits.ts'

export interface InboxReaderOptions {
  readonly inbox: Inbox
  readonly user: string
  readonly step: JournalId
  readonly appender: Appender
  /** The life that takes what comes, if there is one. */
  readonly execution: () => Execution | undefined
  readonly arrived: () => void
  readonly idle: () => void
  readonly crashed: (error: unknown) => void
}

const batch = 100

export class InboxReader {
  readonly #options: InboxReaderOptions
  /** Rows in the log whose removal is not known to be durable yet. */
  readonly #claimedIds = new Set<number>()
  #needsRecheck = false
  #polling: Promise<void> | undefined

  constructor(options: InboxReaderOptions) {
    this.#options = options
  }

  get polling(): boolean {
    return this.#polling !== undefined
  }

  poll(): Promise<void> {
    if (this.#polling) this.#needsRecheck = true
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined
      this.#options.idle()
    })
    return this.#polling
  }

  async #poll(): Promise<void> {
    const { inbox, user, step } = this.#options
    try {
      do {
        this.#needsRecheck = false
        const rows = await inbox.read(user, step, batch + this.#claimedIds.size)
        const fresh = rows.filter((row) => !this.#claimedIds.has(row.id))
        const execution = this.#options.execution()
        if (!execution || fresh.length === 0) continue
        this.#options.arrived()
        for (const row of fresh) this.#claimedIds.add(row.id)
        const ids = fresh.map((row) => row.id)
        const { appender } = this.#options
        for (const row of fresh) receive(execution, row)
        appender.addFragment(inbox.remove(user, step, ids))
        appender.whenDurable(() => {
          for (const id of ids) this.#claimedIds.delete(id)
        })
        appender.flush()
        if (fresh.length >= batch) this.#needsRecheck = true
      } while (this.#needsRecheck)
    } catch (error) {
      this.#options.crashed(error)
    }
  }
}
