import { emptyListText } from '../parts/empty-list-text.ts'
import { useAnswer } from './use-api.tsx'

interface Startable {
  /** The names of teams and agents, each once. */
  readonly names: readonly string[]
  readonly isLoading: boolean
  /** Why no name is known; null if some are, or if the server has none. */
  readonly error: Error | null
  /** The text of the list of names while the list is empty. */
  readonly placeholder: string
}

/** Returns the teams and agents that a run can be started with. */
export function useStartable(): Startable {
  const teams = useAnswer('teams.list', {})
  const agents = useAnswer('agents.list', {})
  const names = [...new Set([...(teams.data?.items ?? []), ...(agents.data?.items ?? [])].map(({ name }) => name))]
  const isLoading = teams.isLoading || agents.isLoading
  const error = names.length === 0 ? (teams.error ?? agents.error) : null
  return { names, isLoading, error, placeholder: emptyListText({ isLoading, error }, 'None is known here') }
}
