/** The top of a view: its place and its name, what it shows a status of, and its commands at the right edge. */
import type { ReactNode } from 'react'
import { useShownUser } from '../api/use-shown-user.ts'
import { visible } from '../visible.ts'

interface ViewHeaderProps {
  readonly title: ReactNode
  /** A link to the view that lists this thing. */
  readonly within?: ReactNode
  /** Beside the title. */
  readonly status?: ReactNode
  /** The commands. */
  readonly children?: ReactNode
  /** Whether the view shows no data of a single user. */
  readonly isOfAllUsers?: boolean
}

export function ViewHeader({ title, within, status, children, isOfAllUsers = false }: ViewHeaderProps) {
  return (
    <div className="view-header">
      <div className="place">
        {within && (
          <>
            {within} <span aria-hidden="true">/</span>
          </>
        )}
        <h1 className="break" title={typeof title === 'string' ? title : undefined}>
          {title}
        </h1>
        {status}
      </div>
      {!isOfAllUsers && <ShownUser />}
      {children}
    </div>
  )
}

function ShownUser() {
  const user = useShownUser()
  if (user === undefined) return null
  return <p className="of-user break">{user === 'unknown' ? '\u00a0' : `User ${visible(user.id)}`}</p>
}
