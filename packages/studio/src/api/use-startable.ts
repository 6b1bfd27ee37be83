import { useAnswer } from './use-api.tsx'

interface Startable {
  /** The names of teams and agents, each once. */
  readonly names: readonly string[]
  readonly isLoading: boolean
  /** Why no name is known; null if some are, or if the server has none. */
  readonly error: Error | null
}

/** Returns the teams and agents that a run can be started with. */
export function useStartable(): Startable {
  const teams = useAnswer('teams.list', {})
  const agents = useAnswer('agents.list', {})
  const names = [...new Set([...(teams.data?.items ?? []), ...(agents.data?.items ?? [])].map(({ name }) => name))]
  return {
    names,
    isLoading: teams.isLoading || agents.isLoading,
    error: names.length === 0 ? (teams.error ?? agents.error) : null,
  }
}
