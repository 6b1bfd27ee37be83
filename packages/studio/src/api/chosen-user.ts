/** The user whose data the views show, and how a view shows the data of another. */
import { createContext } from 'react'

interface ChosenUser {
  /** Empty for the user of the session. */
  readonly user: string
  readonly choose: (user: string) => void
}

export const UserContext = createContext<ChosenUser>({ user: '', choose: () => {} })
