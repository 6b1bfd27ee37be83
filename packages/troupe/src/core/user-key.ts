/** Keys of maps for things that belong to users. */
import type { UserId } from './events/envelope.ts'

/** Returns the key of a name of a user. It starts with the length of the user, because a name may hold any character. */
export const userKey = (user: UserId, name: string): string => `${user.length} ${user}${name}`
