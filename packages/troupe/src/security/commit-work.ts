/** Commits a change to what belongs to no user. */
import { committed, type Statement, type Storage } from '../storage/index.ts'

/** @throws the failure of the statement that rejects the change */
export const commitWork = (storage: Pick<Storage, 'commit'>, statements: readonly Statement[]) =>
  committed(storage, { id: null, scope: { work: true }, statements })
