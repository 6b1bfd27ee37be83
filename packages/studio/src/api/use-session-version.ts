/** Two sessions one after the other in a tab: the second one sees nothing of a session that had other rights. */
import { useQueryClient } from '@tanstack/react-query'
import { useContext, useLayoutEffect, useRef, useState } from 'react'
import { UserContext } from './chosen-user.ts'
import { useAnswer } from './use-api.tsx'

/**
 * Returns a number that changes when a session with other rights follows. All answers are then asked for without the ones of
 * the session before, and the chosen user is the one of the session. The same rights see the same data, and typed text stays.
 */
export function useSessionVersion(): number {
  const queries = useQueryClient()
  const { choose } = useContext(UserContext)
  const { data } = useAnswer('access.get', {})
  const rights = JSON.stringify(data)
  const known = useRef(rights)
  const [version, setVersion] = useState(0)
  const chooseLatest = useRef(choose)
  chooseLatest.current = choose
  useLayoutEffect(() => {
    if (rights === undefined) return
    const isOther = known.current !== undefined && known.current !== rights
    known.current = rights
    if (!isOther) return
    chooseLatest.current('')
    setVersion((before) => before + 1)
    void queries.resetQueries({ predicate: ({ queryKey }) => queryKey[1] !== 'access.get' })
  }, [rights, queries])
  return version
}
