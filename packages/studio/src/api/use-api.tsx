/** The server as views use it: answers that are kept and asked for again, streams that come back. */
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { type Asked, type Client, createClient, type Sent } from './client.ts'
import { Problem } from './problem.ts'

const ClientContext = createContext<Client>(createClient(undefined, () => {}))
const SignedOutContext = createContext(false)

export function ClientProvider({
  user,
  children,
}: {
  readonly user: string | undefined
  readonly children: ReactNode
}) {
  const [signedOut, setSignedOut] = useState(false)
  const queries = useQueryClient()
  const wasSignedOut = useRef(false)
  useEffect(() => {
    // Signed in again: all that was refused is asked for.
    if (wasSignedOut.current && !signedOut) void queries.invalidateQueries()
    wasSignedOut.current = signedOut
  }, [signedOut, queries])
  const client = useMemo(() => createClient(user, (signedIn) => setSignedOut(!signedIn)), [user])
  return (
    <ClientContext value={client}>
      <SignedOutContext value={signedOut}>{children}</SignedOutContext>
    </ClientContext>
  )
}

export const useSignedOut = (): boolean => useContext(SignedOutContext)
export const isSignedOut = (error: unknown): boolean => error instanceof Problem && error.status === 401

export const useClient = (): Client => useContext(ClientContext)

export interface Asking extends Pick<Asked, 'query'> {
  /** ms after which it is asked again by itself. */
  readonly every?: number
  readonly enabled?: boolean
}

export function useAnswer<T>(path: string, { query, every, enabled = true }: Asking = {}): UseQueryResult<T, Error> {
  const client = useClient()
  return useQuery<T, Error>({
    queryKey: [client.user, path, query ?? {}],
    queryFn: ({ signal }) => client.call<T>(path, { signal, ...(query ? { query } : {}) }),
    enabled,
    // Whoever is not signed in is refused again: who comes back to the page, or says so, asks anew.
    ...(every === undefined ? {} : { refetchInterval: ({ state }) => (isSignedOut(state.error) ? false : every) }),
    // What the server refuses it refuses again; only what did not reach it is tried anew.
    retry: (count, error) => error instanceof Problem && error.status === 0 && count < 3,
  })
}

/** What a path answered is asked for again. */
export function useForget(): (path: string) => void {
  const client = useClient()
  const queries = useQueryClient()
  return (path) => void queries.invalidateQueries({ queryKey: [client.user, path] })
}

const soonMs = 300

/** As `useForget`, for what a stream tells of: it may tell of more than the server lets one ask for. */
export function useForgetSoon(): (path: string) => void {
  const forget = useForget()
  const latest = useRef(forget)
  latest.current = forget
  const due = useRef(new Set<string>())
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback((path) => {
    due.current.add(path)
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      for (const one of due.current) latest.current(one)
      due.current.clear()
    }, soonMs)
  }, [])
}

export type Connection = 'connecting' | 'open' | 'lost' | 'ended'

interface StreamOptions<T> {
  readonly query?: Asked['query']
  readonly onEvent: (sent: Sent<T>) => void
  /** Whether the stream is over for good, after what was heard last. */
  readonly isOver?: () => boolean
}

const pauses = [500, 1_000, 2_000, 5_000]
/** ms after which who is signed out, or asks too much, comes again. */
const longPause = 15_000
const isForLater = (error: unknown): boolean =>
  error instanceof Problem && (error.status === 401 || error.status === 408 || error.status === 429)

/** Until somebody looks at the page, or the signal aborts. */
const seen = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const notifyWhenVisible = () => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', notifyWhenVisible)
      signal.removeEventListener('abort', notifyWhenVisible)
      resolve()
    }
    document.addEventListener('visibilitychange', notifyWhenVisible)
    signal.addEventListener('abort', notifyWhenVisible)
    notifyWhenVisible()
  })

/**
 * A stream that goes on behind its last event when it was cut. A browser opens six connections to a server, for all of its
 * tabs together: where nobody looks none is held.
 */
export function useStream<T>(path: string | undefined, options: StreamOptions<T>): Connection {
  const client = useClient()
  const [connection, setConnection] = useState<Connection>('connecting')
  const latest = useRef(options)
  latest.current = options
  useEffect(() => {
    if (path === undefined) return
    const stop = new AbortController()
    const follow = async () => {
      let after: string | undefined
      for (let failures = 0; !stop.signal.aborted; ) {
        await seen(stop.signal)
        if (stop.signal.aborted) return
        let pause = pauses[Math.min(failures++, pauses.length - 1)]
        const unseen = new AbortController()
        const abortIfHidden = () => document.hidden && unseen.abort()
        document.addEventListener('visibilitychange', abortIfHidden)
        try {
          const onEvent = (sent: Sent<T>) => {
            failures = 0
            after = sent.id ?? after
            setConnection('open')
            latest.current.onEvent(sent)
          }
          const { query } = latest.current
          await client.stream<T>(path, {
            signal: AbortSignal.any([stop.signal, unseen.signal]),
            after,
            onEvent,
            opened: () => setConnection('open'),
            ...(query ? { query } : {}),
          })
        } catch (error) {
          if (stop.signal.aborted) return
          if (isForLater(error)) pause = longPause
          else if (error instanceof Problem && error.status >= 400 && error.status < 500) return setConnection('ended')
        } finally {
          document.removeEventListener('visibilitychange', abortIfHidden)
        }
        if (latest.current.isOver?.()) return setConnection('ended')
        if (unseen.signal.aborted) {
          failures = 0
          continue
        }
        setConnection('lost')
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    void follow()
    return () => stop.abort()
  }, [client, path])
  return connection
}
