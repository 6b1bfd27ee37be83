/** The published names of metrics that are not events: gauges, and counters of the storage and of models. */
import { eventNames, failure, nearest, type TroupeError } from '../../core/index.ts'

export const gaugeNames = {
  'alerts.active': 'alerts that are raised now',
  'disk.used': 'used share of the disk, 0 to 1',
  'eventLoop.lag': 'longest delay of a timer in the last five minutes, in ms',
  'mailbox.dead': 'dead letters, by agent, in the mailboxes that workers of this process serve',
  'mailbox.waiting': 'waiting messages, by agent, in the mailboxes that workers of this process serve',
  'memory.heap': 'bytes in use on the heap of this process',
  'memory.resident': 'resident memory of this process in bytes',
  'memory.used': 'used share of the memory that this process may have, 0 to 1',
  'model.breaker': 'circuit breaker of each model that was called: 0 closed, 0.5 half-open, 1 open',
  'storage.database.bytes': 'size of the database in bytes',
  'storage.free.bytes': 'free space inside the database in bytes',
  'storage.rows': 'rows of each table, as the engine estimates them',
  'storage.writeAheadLog.bytes': 'size of the write-ahead log in bytes',
  'traces.dropped': 'spans that were dropped because the queue of the exporter was full',
  uptime: 'time since this troupe was opened, in ms',
  'workers.down': 'supervised workers that are not running: they wait for a restart, or supervision gave up',
  'workers.running': 'workers that serve a mailbox in this process',
} as const

export const countedNames = {
  'cache.hit': 'lookups that found a value, by cache',
  'cache.miss': 'lookups that found no value, by cache',
  'message.waited': 'time from sending a message to its delivery, by type',
  'model.cost': 'cost of model calls in US dollars, by model',
  'model.tokens': 'tokens that models read and wrote, by model and direction',
  'storage.commit': 'duration of commits to the storage',
  'storage.read': 'duration of reads of the storage',
} as const

const published: ReadonlySet<string> = new Set([
  ...Object.keys(eventNames),
  ...Object.keys(gaugeNames),
  ...Object.keys(countedNames),
])

/** Returns true if Troupe itself publishes a metric of this name. */
export const isPublished = (name: string): boolean => published.has(name)

/** @param own the names of metrics that the application recorded */
export function unknownMetric(name: string, own: readonly string[]): TroupeError {
  const near = nearest(name, [...published, ...own])
  return failure('metric.unknown', { metric: name, nearest: near ?? 'one of those in troupe.metrics.names()' })
}

/** The suffix of an exposed counter. */
export const unitOf = (name: string): string => (name === 'model.cost' ? 'usd_total' : 'total')
