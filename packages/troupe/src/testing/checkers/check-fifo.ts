/** Checks the order of the deliveries of each lane. */
import { checkRecords } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/** A recorded delivery of a message. */
export interface DeliveryRecord {
  /** The name of the recipient. */
  readonly mailbox: string
  /** The name of the sender. */
  readonly sender: string
  /** The priority of the message. */
  readonly priority: string
  /** The number of the message within its lane, in the order of sending. */
  readonly sequence: number
  /** The number of the delivery, from 1. */
  readonly attempt: number
}

/**
 * Checks that the first deliveries of each lane come in the order of sending, and that each later delivery of a message
 * has a higher attempt.
 * @param deliveries the deliveries in their order
 * @returns anomalies of the rule `fifo`
 */
export function checkFifo(deliveries: readonly DeliveryRecord[]): readonly Anomaly[] {
  checkRecords('checkFifo', deliveries, {
    ...{ mailbox: 'string', sender: 'string', priority: 'string', sequence: 'number', attempt: 'number' },
  })
  const anomalies: Anomaly[] = []
  const lanes = new Map<string, { last: number; readonly attempts: Map<number, number> }>()
  for (const { mailbox, sender, priority, sequence, attempt } of deliveries) {
    const name = `${sender} -> ${mailbox} (${priority})`
    const lane = lanes.get(name) ?? { last: Number.NEGATIVE_INFINITY, attempts: new Map<number, number>() }
    lanes.set(name, lane)
    const before = lane.attempts.get(sequence)
    if (before === undefined && sequence < lane.last)
      anomalies.push({ rule: 'fifo', message: `${name}: ${sequence} came first after ${lane.last} had come` })
    if (before !== undefined && attempt <= before)
      anomalies.push({ rule: 'fifo', message: `${name}: ${sequence} came again as attempt ${attempt} after ${before}` })
    lane.attempts.set(sequence, attempt)
    lane.last = Math.max(lane.last, sequence)
  }
  return anomalies
}
