/** Whether the first answers of several requests have all arrived, so that a view is shown when it moves no longer. */
import { useIsFetching } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { AnswerName } from 'troupe/client'

/** Returns true from the first moment at which none of the operations is asked for and without an answer. */
export function useFirstLoad(operations: readonly AnswerName[]): boolean {
  const [isLoaded, setIsLoaded] = useState(false)
  const left = useIsFetching({
    predicate: ({ queryKey, state }) => state.data === undefined && operations.some((name) => queryKey[1] === name),
  })
  useEffect(() => {
    if (left > 0) return
    // The requests of children that the last answer has mounted begin with their effects.
    const timer = setTimeout(() => setIsLoaded(true))
    return () => clearTimeout(timer)
  }, [left])
  return isLoaded
}
