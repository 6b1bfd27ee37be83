/** The key of a run in maps of this process. */
import type { UserId } from '../../../core/index.ts'

/** Returns the key, which starts with the length of the user, since a name may hold any character. */
export const runKey = (user: UserId, run: string): string => `${user.length} ${user}${run}`
