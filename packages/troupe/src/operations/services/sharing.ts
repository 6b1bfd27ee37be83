/** Storage that several processes share: the lease of this process, and the takeover of ended ones. */

import type { RevealedConfig } from '../../configuration/index.ts'
import { milliseconds, type Platform } from '../../core/index.ts'
import { openProcessLease, type ProcessLease, RunClaims } from '../../runs/index.ts'
import type { OpenedStorage } from '../../storage/index.ts'

export interface Sharing {
  readonly lease: ProcessLease
  readonly claims: RunClaims
  /** Releases claimed runs before any of their work has started. */
  close(): Promise<void>
}

interface SharingParts {
  readonly storage: OpenedStorage
  readonly platform: Pick<Platform, 'clock' | 'random' | 'ids'>
  readonly journals: { readonly form: number }
}

/** @returns undefined if no other process can use the storage */
export async function share(
  config: RevealedConfig,
  { storage, platform, journals }: SharingParts,
): Promise<Sharing | undefined> {
  if (!storage.broadcast) return undefined
  const { clock, random, ids } = platform
  const leaseMs = milliseconds(config.lease ?? '10s', 'lease')
  const lease = await openProcessLease({ storage, clock, random, ids, leaseMs })
  const claims = new RunClaims({ storage, clock, lease, form: journals.form })
  const close = async () => {
    await claims.close()
    await lease.close()
  }
  return { lease, claims, close }
}
