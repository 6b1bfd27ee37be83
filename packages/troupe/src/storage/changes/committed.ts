/** Commits changes that fail only by an error, because their callers have no other answer. */
import { failure } from '../../core/index.ts'
import type { Change, CommitResult, Storage } from '../storage-port.ts'

/** Commits a change. @throws the rejection with its code and its details */
export async function committed(
  storage: Pick<Storage, 'commit'>,
  change: Change,
): Promise<CommitResult & { readonly ok: true }> {
  const result = await storage.commit(change)
  if (!result.ok) throw failure(result.code, { ...result.detail })
  return result
}
