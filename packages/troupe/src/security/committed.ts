/** Commits changes that fail only by an error, because their callers have no other answer. */
import { failure, type UserId } from '../core/index.ts'
import type { CommitResult, OpenedStorage, Statement, WorkQueue } from '../storage/index.ts'

type Committing = Pick<OpenedStorage, 'commit'>
type Committed = CommitResult & { readonly ok: true }

/** @throws the failure of the statement that rejects the change */
export async function committed(
  storage: Committing,
  scope: { readonly user: UserId } | { readonly work: true },
  statements: readonly Statement[],
  wake: readonly WorkQueue[] = [],
): Promise<Committed> {
  const result = await storage.commit({ id: null, scope, statements, wake })
  if (!result.ok) throw failure(result.code, { ...result.detail })
  return result
}

/** Commits a change to what belongs to no user. */
export const commitWork = (storage: Committing, statements: readonly Statement[]): Promise<Committed> =>
  committed(storage, { work: true }, statements)
