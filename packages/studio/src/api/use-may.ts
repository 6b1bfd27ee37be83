/** What the caller may do: a view or a command that its role does not have is not drawn, and the server rejects it. */
import type { ClientOperations } from 'troupe/client'
import { useAnswer } from './use-api.tsx'

/** Nothing until the server has answered; all where it does not say. */
export function useMay(): (operation: keyof ClientOperations) => boolean {
  const { data, error } = useAnswer('access.get', {})
  return (operation) => (data ? data.operations.includes(operation) : error !== null)
}
