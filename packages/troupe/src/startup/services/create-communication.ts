/** Creates what agents share: the context mesh, mailboxes, presence, and the clients of their steps. */

import { contextOptions } from '../../configuration/index.ts'
import { type CallerPatterns, Mesh } from '../../context/index.ts'
import { milliseconds } from '../../core/index.ts'
import type { JournalParts } from '../../journal/index.ts'
import { Mailboxes, Presence } from '../../messaging/index.ts'
import { type CommunicationParts, type SecurityParts, stagedMetrics } from '../../operations/index.ts'
import type { BoundedEvaluator } from '../../security/index.ts'
import type { BaseParts } from './open-base.ts'

interface CommunicationSources {
  readonly steps: JournalParts['steps']
  readonly processId: string
  readonly evaluator: BoundedEvaluator
}

export function createCommunication(
  { config, platform, stores, observability }: BaseParts,
  { incidents, audit, callers, guard }: SecurityParts,
  { steps, processId, evaluator }: CommunicationSources,
): CommunicationParts {
  const { storage, blobs } = stores
  const { metricStore: store, metrics } = observability
  const { clock, ids, events } = platform
  const security = { incidents, audit, callers, privateLabels: guard.privateLabels }
  const patterns: CallerPatterns = {
    sourceFor: (user) => callers.sourceFor(user),
    matching: (source, pattern, keys) => evaluator.matching(source, pattern, keys),
  }
  const meshParts = { storage, blobs, platform, security: { ...security, patterns } }
  const mesh = new Mesh(meshParts, contextOptions(config))
  const heartbeatMs = milliseconds(config.presence?.heartbeat ?? '5s', 'presence.heartbeat')
  const presence = new Presence({ storage, clock, ids, events, processId, heartbeatMs })
  const mailboxes = new Mailboxes(
    {
      storage,
      blobs,
      platform,
      security,
      recipients: {
        subscribersOf: (user, topic, agent) => mesh.subscribersOf(user, topic, agent),
        presentOf: (user, role) => presence.namesOf(user, role),
      },
      steps,
    },
    config.messaging,
  )
  const clients: CommunicationParts['clients'] = (recorder, access, over) => ({
    context: mesh.staged(recorder, access, over),
    messages: mailboxes.staged(recorder, access),
    metrics: stagedMetrics({ recorder, access, store, metrics }),
  })
  return { mesh, mailboxes, presence, clients }
}
