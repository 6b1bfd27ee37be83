/** Gives leased deliveries back to their mailbox, as far as their leases are still valid. */
import { TroupeError } from '../../core/index.ts'
import { DeliveryHandle } from './delivery-handle.ts'

/** Releases all deliveries in one commit, so that a batch stays complete; if that fails, each by itself. */
export async function releaseDeliveries(deliveries: readonly DeliveryHandle[], delayMs = 0): Promise<void> {
  try {
    await DeliveryHandle.releaseDeliveries(deliveries, delayMs)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    for (const delivery of deliveries) await contained(() => DeliveryHandle.releaseDeliveries([delivery], delayMs))
  }
}

/** Ignores the errors of the library: a lost lease has another owner, and a lease that the storage cannot end expires. */
export async function contained(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
  }
}

export const isLeaseLost = (error: unknown): error is TroupeError =>
  error instanceof TroupeError && error.code === 'lease.lost'
