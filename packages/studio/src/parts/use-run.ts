/** A run as its stream of events tells it. */
import { startTransition, useCallback, useEffect, useRef, useState } from 'react'
import type { RunEvent } from '../api/shapes.ts'
import { useStream } from '../api/use-api.tsx'
import { fold, hasEnd, isOver, nothingYet, type RunState } from '../run-state.ts'

/** Events that come within so many ms are drawn together. */
const gatherMs = 50
/** Events that are folded in one task: the start of a long stream has thousands at once. */
const maxFolded = 2_000

/** @param isWaiting true for a run that waits: its events until now are read, and no connection is held */
export function useRun(id: string, isWaiting = false) {
  const [state, setState] = useState<RunState>(nothingYet)
  const waiting = useRef<RunEvent[]>([])
  /** All that arrived, in their order; it grows in place. */
  const events = useRef<RunEvent[]>([])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  /** The state after all events that were folded; it may not be rendered yet. */
  const latest = useRef(state)
  const flush = useCallback(() => {
    const arrived = waiting.current.splice(0, maxFolded)
    timer.current = waiting.current.length > 0 ? setTimeout(flush, gatherMs) : undefined
    const last = events.current.at(-1)?.seq ?? 0
    for (const event of arrived) if (event.seq > last) events.current.push(event)
    latest.current = fold(latest.current, arrived)
    // A transition is rendered in slices.
    startTransition(() => setState(latest.current))
  }, [])
  useEffect(() => () => clearTimeout(timer.current), [])
  const connection = useStream(
    'runs.events',
    { path: { run: id }, ...(isWaiting ? { query: { untilWaiting: 'true' } } : {}) },
    {
      onEvent: ({ data }) => {
        waiting.current.push(data)
        timer.current ??= setTimeout(flush, gatherMs)
      },
      isOver: () => isWaiting || isOver(latest.current) || hasEnd(waiting.current),
    },
  )
  // The stream of an ended run ends before its events are rendered.
  const isComing = connection === 'connecting' || connection === 'open' || waiting.current.length > 0
  const isLoading = state.seq === 0 && (isComing || latest.current.seq > 0)
  return { state, connection, events: events.current, isLoading }
}
