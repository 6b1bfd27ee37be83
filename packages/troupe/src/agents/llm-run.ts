/** What the turns of one step share. */
import type { StepEntry } from './agent-port.ts'
import type { Conversation } from './conversation.ts'
import type { LlmDefinition } from './llm-definition.ts'
import type { Offer } from './offer.ts'
import type { Report } from './report.ts'

export interface LlmRun {
  readonly definition: LlmDefinition
  readonly entry: StepEntry
  readonly conversation: Conversation
  readonly offer: Offer
  readonly report: Report
}
