/** The clients of a step: its writes and messages wait for the commit of its turn. */
import type { ContextClient } from '../../context/index.ts'
import type { MessageClient } from '../../messaging/index.ts'
import type { UserMetrics } from '../../observability/index.ts'

export interface StagedClients {
  readonly context: ContextClient
  readonly messages: MessageClient
  readonly metrics: UserMetrics
}
