/** The metrics of a step: stored with its turn, and read as recorded reads. */
import { capture, checkName } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { MetricStore, MetricsCollector, StoredMetricSummary, UserMetrics } from '../../observability/index.ts'
import type { Access } from '../../security/index.ts'

interface StagedMetricsParts {
  readonly recorder: Recorder
  readonly access: Access
  readonly store: MetricStore
  readonly metrics: MetricsCollector
}

/** Recording is a right to push, reading one to get: a role that may do the one with entries may do it with metrics. */
export const requireMetrics =
  (access: Access, agent: string) =>
  (action: 'record' | 'read'): void =>
    access.require(agent, action === 'record' ? 'push_context' : 'get_context')

export function stagedMetrics({ recorder, access, store, metrics }: StagedMetricsParts): UserMetrics {
  const { userId: user, name: agent } = recorder.principal
  const checkRight = requireMetrics(access, agent)
  return {
    async record(name, value, options = {}) {
      checkRight('record')
      const fragment = store.recorded(user, name, value, options)
      const committed = () => metrics.record(name, value, options)
      recorder.stage({ call: { kind: 'metric', name }, fragment: () => fragment, module: 'other', committed })
    },
    async summary(name, options = {}) {
      checkRight('read')
      // The record names the call by it.
      checkName('metric', name)
      const captured = capture(options)
      const asked = () => store.summary(user, name, captured).then((found) => ({ ...found }))
      return recorder.answer<StoredMetricSummary & { readonly [field: string]: number }>(
        { kind: 'metric summary', name },
        asked,
      )
    },
    async names() {
      checkRight('read')
      return recorder.answer({ kind: 'metric names', name: '' }, async () => [...(await store.names(user))])
    },
  }
}
