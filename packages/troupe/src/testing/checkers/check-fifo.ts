/** Whether messages of one lane came in the order in which they were sent. */
import { checkRecords } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

export interface DeliveryRecord {
  readonly mailbox: string
  readonly sender: string
  readonly priority: string
  /** Of the message within its lane, in the order of sending. */
  readonly sequence: number
  /** 1 at the first delivery. */
  readonly attempt: number
}

/**
 * First deliveries of a lane rise; a later delivery of the same message is a repeat and says so.
 * @param deliveries in the order in which they came
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
