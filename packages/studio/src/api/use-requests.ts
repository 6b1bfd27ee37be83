/** The requests that wait for a person: those of the user, and for operators those of all users. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from './use-api.tsx'

/** Items that are read. */
export const maxRequests = 100

const ownRequests = { query: { limit: maxRequests } } as const
export const allRequests = { query: { limit: maxRequests, allUsers: 'true' } } as const

export function useRequests(): UseQueryResult<AnswerOf<'approvals.list'>, Error> {
  const { data: access, isPending } = useAnswer('access.get', {})
  const seesAllUsers = access?.operations.includes('operations.runs') === true
  return useAnswer('approvals.list', {
    ...(seesAllUsers ? allRequests : ownRequests),
    enabled: !isPending,
  })
}
