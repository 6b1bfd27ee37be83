/** Something that is done once at a time, and may be refused. */
import { useRef, useState } from 'react'
import { isUnreachable } from '../api/is-problem.ts'

export interface Doing {
  readonly busy: boolean
  readonly error: Error | undefined
  readonly run: (work: () => Promise<unknown>) => Promise<void>
}

/** Lists are asked for again by themselves; a command is not, because it would happen twice. */
const unreachable =
  'The server cannot be reached, and the page does not send it again. Check whether it happened before you repeat it.'

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
      await work().catch((problem: Error) => setError(isUnreachable(problem) ? new Error(unreachable) : problem))
      isRunning.current = false
      setBusy(false)
    },
  }
}
