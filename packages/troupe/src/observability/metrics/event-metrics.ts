/** The metrics of events: the type is the name, and some fields are labels. Users are never labels. */
import type { EventFields, EventName } from '../../core/index.ts'
import type { Labels } from './series.ts'

/** Fields with few values, which become labels of the events that have them. */
export const eventLabels: Partial<Readonly<Record<EventName, readonly string[]>>> = {
  'alert.cleared': ['alert'],
  'alert.raised': ['alert', 'severity'],
  'branch.cancelled': ['agent'],
  'branch.completed': ['agent', 'as'],
  'branch.failed': ['agent'],
  'branch.started': ['agent'],
  'callback.failed': ['callback', 'code'],
  'guard.tripped': ['guard'],
  'guardrail.tripped': ['agent', 'guardrail', 'direction'],
  'incident.recorded': ['action', 'code'],
  'message.acknowledged': ['messageType'],
  'message.dead-lettered': ['messageType'],
  'message.received': ['messageType'],
  'message.rejected': ['messageType'],
  'message.nacked': ['messageType'],
  'message.sent': ['messageType', 'priority'],
  'model.cached': ['model'],
  'model.retried': ['model', 'reason'],
  'model.called': ['model', 'success', 'code'],
  'model.embedded': ['model', 'success'],
  'model.reranked': ['model', 'success'],
  'policy.decided': ['tool', 'decision'],
  'question.asked': ['kind'],
  'span.ended': ['name', 'success'],
  'step.completed': ['agent'],
  'step.failed': ['agent'],
  'step.released': ['agent', 'status', 'code'],
  'step.started': ['agent'],
  'step.waiting': ['reason'],
  'storage.changed': ['state'],
  'supervision.escalated': ['supervisor', 'code'],
  'tool.called': ['tool', 'agent', 'success', 'code'],
  'tool.ignored': ['tool'],
  'work.stalled': ['kind'],
  'worker.crashed': ['agent', 'code'],
  'worker.failed': ['agent', 'code'],
  'worker.restarted': ['agent'],
}

/** Additional counters of an event: the field with the amount, by metric. */
export const eventAmounts = {
  'model.called': [
    { metric: 'model.tokens', field: 'inputTokens', labels: { direction: 'input' } },
    { metric: 'model.tokens', field: 'outputTokens', labels: { direction: 'output' } },
    { metric: 'model.cost', field: 'cost', labels: {} },
  ],
  'model.embedded': [
    { metric: 'model.tokens', field: 'inputTokens', labels: { direction: 'input' } },
    { metric: 'model.cost', field: 'cost', labels: {} },
  ],
  'model.reranked': [
    { metric: 'model.tokens', field: 'inputTokens', labels: { direction: 'input' } },
    { metric: 'model.cost', field: 'cost', labels: {} },
  ],
} as const

/** Counts without checks. */
export interface Counting {
  increment(name: string, by: number, labels: Labels, success: boolean): void
  time(name: string, durationMs: number, options: { readonly labels: Labels; readonly success: boolean }): void
}

export function countEvent(metrics: Counting, event: EventFields): void {
  const { type, durationMs } = event
  const success = event.success !== false
  const labels = labelsOf(event)
  if (typeof durationMs === 'number') metrics.time(type, durationMs, { labels, success })
  else metrics.increment(type, 1, labels, success)
  if (typeof event.waitedMs === 'number') metrics.time('message.waited', event.waitedMs, { labels, success: true })
  if (type !== 'model.called' && type !== 'model.embedded' && type !== 'model.reranked') return
  const model = String(event.model)
  for (const { metric, field, labels: more } of eventAmounts[type]) {
    const amount = event[field]
    if (typeof amount === 'number' && amount > 0) metrics.increment(metric, amount, { model, ...more }, true)
  }
}

function labelsOf(event: EventFields): Labels {
  const labels: Record<string, string> = {}
  for (const field of eventLabels[event.type] ?? []) {
    const value = event[field]
    if (value !== undefined && value !== null) labels[field] = String(value)
  }
  return labels
}
