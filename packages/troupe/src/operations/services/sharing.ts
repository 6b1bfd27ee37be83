/** Storage that several processes share: the lease of this process, and the takeover of ended ones. */

import type { RevealedConfig } from '../../configuration/index.ts'
import { milliseconds } from '../../core/index.ts'
import { createRunClaims, openProcessLease, type ProcessLease, type RunClaims } from '../../runs/index.ts'

export interface Sharing {
  readonly lease: ProcessLease
  readonly claims: RunClaims
  /** Releases claimed runs before any of their work has started. */
  close(): Promise<void>
}

type Parts = Omit<Parameters<typeof openProcessLease>[0], 'leaseMs'> &
  Omit<Parameters<typeof createRunClaims>[0], 'lease' | 'form'> & { readonly journals: { readonly form: number } }

/** @returns undefined if no other process can use the storage */
export async function share(config: RevealedConfig, parts: Parts): Promise<Sharing | undefined> {
  if (!parts.storage.broadcast) return undefined
  const lease = await openProcessLease({ ...parts, leaseMs: milliseconds(config.lease ?? '10s', 'lease') })
  const claims = createRunClaims({ ...parts, lease, form: parts.journals.form })
  const close = async () => {
    await claims.close()
    await lease.close()
  }
  return { lease, claims, close }
}
