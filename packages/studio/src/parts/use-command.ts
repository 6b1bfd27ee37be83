/** Something that is done once at a time, and may be refused. */
import { useRef, useState } from 'react'

export interface Doing {
  readonly busy: boolean
  readonly error: Error | undefined
  readonly run: (work: () => Promise<unknown>) => Promise<void>
}

export function useCommand(): Doing {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  /** Two presses may come before the first of them is rendered. */
  const isRunning = useRef(false)
  return {
    busy,
    error,
    async run(work) {
      if (isRunning.current) return
      isRunning.current = true
      setBusy(true)
      setError(undefined)
      await work().catch((problem: Error) => setError(problem))
      isRunning.current = false
      setBusy(false)
    },
  }
}
