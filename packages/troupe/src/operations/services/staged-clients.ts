/** What a step of an agent works with: its writes and messages wait for the commit of its turn. */
import type { ContextClient } from '../../context/index.ts'
import type { MessageClient } from '../../messaging/index.ts'
import type { UserMetrics } from '../../observability/index.ts'

export interface StagedClients {
  readonly context: ContextClient
  readonly messages: MessageClient
  readonly metrics: UserMetrics
}
