/** Renews the leases of deliveries while they are handled. */
import type { Clock } from '../../core/index.ts'
import { DeliveryHandle } from './delivery-handle.ts'
import { isLeaseLost } from './release-deliveries.ts'

/**
 * Renews the leases at each third of their time. A renewal that the storage rejects is tried at the next.
 * @param lost called once if a lease has another owner; no renewal comes after it
 * @returns a function that ends the renewals
 */
export function renewLeases(
  deliveries: readonly DeliveryHandle[],
  { clock, leaseMs }: { readonly clock: Clock; readonly leaseMs: number },
  lost: (error: unknown) => void,
): () => void {
  let over = false
  let cancel = () => {}
  const schedule = () => {
    if (over) return
    cancel = clock.after(leaseMs / 3, () => {
      void DeliveryHandle.renewAll(deliveries).then(schedule, (error: unknown) => {
        if (isLeaseLost(error)) lost(error)
        else schedule()
      })
    })
  }
  schedule()
  return () => {
    over = true
    cancel()
  }
}
