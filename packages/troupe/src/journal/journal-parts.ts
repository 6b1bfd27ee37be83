/** What executes steps durably. */
import type { Inbox } from './inbox-port.ts'
import type { Journals } from './journals/create-journals.ts'
import type { Steps } from './steps-port.ts'
import type { Timers } from './timers-port.ts'

export interface JournalParts {
  readonly journals: Journals
  readonly inbox: Inbox
  readonly timers: Timers
  readonly steps: Steps
}
