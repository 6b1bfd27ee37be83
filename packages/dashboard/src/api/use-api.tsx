/** The server as views use it: answers that are kept and asked for again, streams that come back. */
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { type Asked, type Client, createClient, type Sent } from './client.ts'
import { Problem } from './problem.ts'

const ClientContext = createContext<Client>(createClient(undefined))

export function ClientProvider({
  user,
  children,
}: {
  readonly user: string | undefined
  readonly children: ReactNode
}) {
  const client = useMemo(() => createClient(user), [user])
  return <ClientContext value={client}>{children}</ClientContext>
}

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
    ...(every === undefined ? {} : { refetchInterval: every }),
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

export type Connection = 'connecting' | 'open' | 'lost' | 'ended'

interface StreamOptions<T> {
  readonly query?: Asked['query']
  readonly hear: (sent: Sent<T>) => void
  /** Whether the stream is over for good, after what was heard last. */
  readonly isOver?: () => boolean
}

const pauses = [500, 1_000, 2_000, 5_000]

/** A stream that goes on behind its last event when it was cut. */
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
        try {
          const hear = (sent: Sent<T>) => {
            failures = 0
            after = sent.id ?? after
            setConnection('open')
            latest.current.hear(sent)
          }
          const { query } = latest.current
          setConnection('open')
          await client.stream<T>(path, { signal: stop.signal, after, hear, ...(query ? { query } : {}) })
        } catch (error) {
          if (stop.signal.aborted) return
          if (error instanceof Problem && error.status >= 400 && error.status < 500) return setConnection('ended')
        }
        if (latest.current.isOver?.()) return setConnection('ended')
        setConnection('lost')
        await new Promise((resolve) => setTimeout(resolve, pauses[Math.min(failures++, pauses.length - 1)]))
      }
    }
    void follow()
    return () => stop.abort()
  }, [client, path])
  return connection
}
