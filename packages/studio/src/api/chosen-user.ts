/** The user whose data the views show, and how a view shows the data of another. */
import { createContext } from 'react'

interface ChosenUser {
  /** Empty for the user of the session. */
  readonly user: string
  readonly choose: (user: string) => void
}

export const UserContext = createContext<ChosenUser>({ user: '', choose: () => {} })

/** Returns the chosen user if the session may see it, otherwise the first of its own; empty for the only one. */
export function allowedUser(chosen: string, users: 'all' | readonly string[]): string {
  if (users === 'all') return chosen
  const [first = '', ...others] = users
  if (others.length === 0) return ''
  return users.includes(chosen) ? chosen : first
}
