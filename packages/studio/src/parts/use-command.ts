/** Something that is done once at a time, and may be refused. */
import { useState } from 'react'

export interface Doing {
  readonly busy: boolean
  readonly error: Error | undefined
  readonly run: (work: () => Promise<unknown>) => Promise<void>
}

export function useCommand(): Doing {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  return {
    busy,
    error,
    async run(work) {
      if (busy) return
      setBusy(true)
      setError(undefined)
      await work().catch((problem: Error) => setError(problem))
      setBusy(false)
    },
  }
}
