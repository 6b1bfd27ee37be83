/** The published names of metrics that are not events: gauges, and counters of the storage and of models. */
import { eventNames, failure, nearest, type TroupeError } from '../../core/index.ts'

export const gaugeNames = {
  'alerts.active': 'alerts that are raised',
  'disk.used': 'share of the disk that is taken, 0 to 1',
  'eventLoop.lag': 'ms by which a timer came late, the worst of five minutes',
  'mailbox.dead': 'dead letters of the mailboxes that workers here serve, by agent',
  'mailbox.waiting': 'messages that wait in the mailboxes that workers here serve, by agent',
  'memory.heap': 'bytes in use on the heap of this process',
  'memory.resident': 'bytes of memory that this process has',
  'memory.used': 'share of the memory that this process may have, 0 to 1',
  'model.breaker': 'of each model asked: 0 closed, 0.5 half-open, 1 open',
  'storage.database.bytes': 'bytes of the database',
  'storage.free.bytes': 'bytes free inside the database',
  'storage.rows': 'rows of each table, as the engine estimates them',
  'storage.writeAheadLog.bytes': 'bytes of the log before the database',
  'traces.dropped': 'spans that were dropped because too many waited',
  uptime: 'ms since this troupe was opened',
  'workers.down': 'supervised workers that are not up: between two starts, or given up',
  'workers.running': 'workers that serve a mailbox in this process',
} as const

export const countedNames = {
  'cache.hit': 'a question was answered from a cache, by cache',
  'cache.miss': 'a question was not in a cache, by cache',
  'message.waited': 'from sending a message to handing it out, timed, by type',
  'model.cost': 'US dollars that models cost, by model',
  'model.tokens': 'tokens that models read and wrote, by model and direction',
  'storage.commit': 'changes committed to the storage, timed',
  'storage.read': 'reads of the storage, timed',
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
