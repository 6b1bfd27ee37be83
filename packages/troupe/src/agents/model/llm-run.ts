/** The state that the turns of one step share. */
import type { StepEntry } from '../agent-port.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import type { Report } from '../definitions/report.ts'
import type { Handles } from '../flows/handles.ts'
import type { KnownTexts } from '../flows/known-texts.ts'
import type { Offer } from './offer.ts'
import type { Thread } from './thread.ts'

export interface LlmRun {
  readonly definition: LlmDefinition
  readonly entry: StepEntry
  readonly thread: Thread
  readonly offer: Offer
  readonly report: Report
  /** The texts that the step has read, with its labels at that time. */
  readonly texts: KnownTexts
  /** Absent where nothing that the agent can get is hidden. */
  readonly handles: Handles | undefined
}
