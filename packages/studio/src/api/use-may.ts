/** What the caller may do: a view or a command that its role does not have is not drawn, and the server rejects it. */
import type { ClientOperations } from 'troupe/client'
import { isSignedOut, useAnswer } from './use-api.tsx'

/** Nothing until the server has answered, and without a session; all where the server does not say. */
export function useMay(): (operation: keyof ClientOperations) => boolean {
  const { data, error } = useAnswer('access.get', {})
  return (operation) => (data ? data.operations.includes(operation) : error !== null && !isSignedOut(error))
}

/** Whether the server has answered that the caller may not: an address can open a view that is not listed for its role. */
export function useMayNot(operation: keyof ClientOperations): boolean {
  const { data } = useAnswer('access.get', {})
  return data !== undefined && !data.operations.includes(operation)
}
