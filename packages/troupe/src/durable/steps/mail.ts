/** The inbox of one step: its rows are taken into the log in the change that removes them. */
import type { Inbox } from '../inbox-port.ts'
import type { JournalId } from '../journal-port.ts'
import type { Appender } from './appender.ts'
import type { Life } from './life.ts'
import { receive } from './waits.ts'

export interface MailOptions {
  readonly inbox: Inbox
  readonly user: string
  readonly step: JournalId
  readonly appender: Appender
  /** The life that takes what comes, if there is one. */
  readonly life: () => Life | undefined
  readonly arrived: () => void
  readonly idle: () => void
  readonly broken: (error: unknown) => void
}

const batch = 100

export class Mail {
  readonly #options: MailOptions
  /** Rows in the log whose removal is not known to be durable yet. */
  readonly #taken = new Set<number>()
  #again = false
  #looking: Promise<void> | undefined

  constructor(options: MailOptions) {
    this.#options = options
  }

  get looking(): boolean {
    return this.#looking !== undefined
  }

  look(): Promise<void> {
    if (this.#looking) this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      this.#options.idle()
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { inbox, user, step } = this.#options
    try {
      do {
        this.#again = false
        const rows = await inbox.read(user, step, batch + this.#taken.size)
        const fresh = rows.filter((row) => !this.#taken.has(row.id))
        const life = this.#options.life()
        if (!life || fresh.length === 0) continue
        this.#options.arrived()
        for (const row of fresh) this.#taken.add(row.id)
        const ids = fresh.map((row) => row.id)
        const { appender } = this.#options
        for (const row of fresh) receive(life, row)
        appender.addFragment(inbox.remove(user, step, ids))
        appender.whenDurable(() => {
          for (const id of ids) this.#taken.delete(id)
        })
        appender.flush()
        if (fresh.length >= batch) this.#again = true
      } while (this.#again)
    } catch (error) {
      this.#options.broken(error)
    }
  }
}
