import { useContext } from 'react'
import { UserContext } from './chosen-user.ts'
import { useAnswer } from './use-api.tsx'

/**
 * The user whose data the views show, for a caller that may choose another; undefined for other callers, and `unknown`
 * until the server has answered, so that the line keeps its place.
 */
export function useShownUser(): { readonly id: string } | 'unknown' | undefined {
  const { user } = useContext(UserContext)
  const { data, isPending } = useAnswer('access.get', {})
  if (isPending) return 'unknown'
  if (data === undefined || (data.users !== 'all' && data.users.length < 2)) return undefined
  const id = user || (data.users === 'all' ? 'default' : '')
  return id === '' ? undefined : { id }
}
