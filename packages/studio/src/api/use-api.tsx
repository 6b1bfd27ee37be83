/** The server as views use it: answers that are cached and refreshed, and streams that reconnect. */
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react'
import {
  type AnswerName,
  type AnswerOf,
  type Client,
  type ClientEvent,
  createClient,
  type OperationRequest,
  type StreamName,
  type StreamOptions,
} from 'troupe/client'
import { isProblem } from './is-problem.ts'
import { ServerClock } from './server-clock.ts'
import { StreamSlots } from './stream-slots.ts'

/** What is asked again, and when, the page decides: it shows what failed meanwhile. */
const once = { retries: 0, reconnects: 0 }

/** ms after which a probe without an answer has failed. */
const probeMs = 10_000

interface Asker {
  readonly client: Client
  /** Names no user. */
  readonly sessionClient: Client
  readonly clientOf: (user: string | undefined) => Client
  /** Whose data it is about; undefined where the session is for one. */
  readonly user: string | undefined
  readonly slots: StreamSlots
  readonly clock: ServerClock
}

const AskerContext = createContext<Asker>({
  client: createClient(once),
  sessionClient: createClient(once),
  clientOf: () => createClient(once),
  user: undefined,
  slots: new StreamSlots(),
  clock: new ServerClock(),
})
const SignedOutContext = createContext(false)
/** Of the stream of updates, which `UpdatesProvider` holds. */
export const UpdatesContext = createContext<Connection>('connecting')
export const useUpdatesConnection = (): Connection => useContext(UpdatesContext)

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
  const [slots] = useState(() => new StreamSlots())
  const [clock] = useState(() => new ServerClock())
  useEffect(() => {
    // Signed in again: all that was refused is asked for.
    if (wasSignedOut.current && !signedOut) void queries.invalidateQueries()
    wasSignedOut.current = signedOut
  }, [signedOut, queries])
  const asker = useMemo((): Asker => {
    const send = async (url: string, init: RequestInit) => {
      // Others are probes, which are open to everybody. A server that does not answer them is away.
      const isProbe = !url.startsWith('/v1/')
      const limits = [init.signal ?? [], isProbe ? AbortSignal.timeout(probeMs) : []].flat()
      const askedAt = Date.now()
      const answer = await fetch(url, { ...init, signal: AbortSignal.any(limits) })
      clock.adjust(answer.headers.get('date'), askedAt, Date.now())
      if (!isProbe) setSignedOut(answer.status === 401)
      return answer
    }
    const clientOf = (of: string | undefined) =>
      createClient({ ...once, fetch: send, ...(of === undefined ? {} : { user: of }) })
    return { client: clientOf(user), sessionClient: clientOf(undefined), clientOf, user, slots, clock }
  }, [user, slots, clock])
  return (
    <AskerContext value={asker}>
      <SignedOutContext value={signedOut}>{children}</SignedOutContext>
    </AskerContext>
  )
}

/**
 * Sends the commands of its children as another user. Their answers are cached as those of the shown user: nothing below may
 * ask for the data of a user.
 */
export function AsUser({ user, children }: { readonly user: string | undefined; readonly children: ReactNode }) {
  const asker = useContext(AskerContext)
  const own = useMemo(() => (user === undefined ? asker : { ...asker, client: asker.clientOf(user) }), [asker, user])
  return <AskerContext value={own}>{children}</AskerContext>
}

export const useSignedOut = (): boolean => useContext(SignedOutContext)
export const isSignedOut = (error: unknown): boolean => isProblem(error) && error.status === 401

export const useClient = (): Client => useContext(AskerContext).client
/** Whose data it is about; undefined where the session is for one. */
export const useUser = (): string | undefined => useContext(AskerContext).user

/** Returns the clock of the server. */
export const useServerClock = (): ServerClock => useContext(AskerContext).clock

/** The client as the hooks call it, for which all operations are alike: types hold for callers. */
interface Caller<Name extends AnswerName> {
  call(name: Name, request: object): Promise<AnswerOf<Name>>
}
interface Streamer<Name extends StreamName> {
  stream(name: Name, request: StreamOptions): AsyncIterable<ClientEvent<Name>>
}

interface Repetition {
  /** ms after which it is asked again by itself: of what no update speaks of. */
  readonly every?: number
  /** Whether it is asked at all, true by default. */
  readonly enabled?: boolean
}

/** ms between two questions where the session may not follow the updates. */
export const withoutUpdatesEvery = 15_000

export function useAnswer<Name extends AnswerName>(
  name: Name,
  asked: OperationRequest<Name> & Repetition,
): UseQueryResult<AnswerOf<Name>, Error> {
  const asker = useContext(AskerContext)
  // The rights of a session are those of all of its users. A request that names a user of another session is rejected.
  const isOfSession = name === 'access.get'
  const user = isOfSession ? undefined : asker.user
  const isWithoutUpdates = useUpdatesConnection() === 'ended'
  const { every: ownEvery, enabled = true, ...request } = asked
  const every = isWithoutUpdates ? Math.min(ownEvery ?? withoutUpdatesEvery, withoutUpdatesEvery) : ownEvery
  const caller = (isOfSession ? asker.sessionClient : asker.client) as Caller<Name>
  return useQuery<AnswerOf<Name>, Error>({
    queryKey: [user, name, request],
    enabled,
    queryFn: ({ signal }) => caller.call(name, { ...request, signal }),
    // Without a session the answer stays the same. The sign-in, and a return to the page, ask for it.
    ...(every === undefined ? {} : { refetchInterval: ({ state }) => (isSignedOut(state.error) ? false : every) }),
  })
}

/** What an operation answered to such requests is asked for again: `forget('runs.result', { path: { run } })`. */
export type Forget = <Name extends AnswerName>(name: Name, request: Partial<OperationRequest<Name>>) => void

export function useForget(): Forget {
  const { user } = useContext(AskerContext)
  const queries = useQueryClient()
  return (name, request) => void queries.invalidateQueries({ queryKey: [user, name, request] })
}

const soonMs = 300

/** As `useForget`, for what a stream tells of: it may tell of more than the server lets one ask for. */
export function useForgetSoon(): Forget {
  const forget = useForget()
  const latest = useRef(forget)
  latest.current = forget
  const due = useRef(new Map<string, () => void>())
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback<Forget>((name, request) => {
    due.current.set(JSON.stringify([name, request]), () => latest.current(name, request))
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      for (const ask of due.current.values()) ask()
      due.current.clear()
    }, soonMs)
  }, [])
}

export type Connection = 'connecting' | 'open' | 'lost' | 'ended'

interface Following<Name extends StreamName> {
  readonly onEvent: (event: ClientEvent<Name>) => void
  /** Whether it is followed at all, true by default. */
  readonly enabled?: boolean
  /** Whether a stream that the server has ended is over for good. */
  readonly isOver?: () => boolean
}

const pauses = [500, 1_000, 2_000, 5_000]
/** ms before the next attempt of a session that has ended, or that has sent too many requests. */
const longPause = 15_000
const isForLater = (error: unknown): boolean =>
  isProblem(error) && (error.status === 401 || error.status === 408 || error.status === 429)

const isRejected = (error: unknown): boolean => {
  const status = (isProblem(error) && error.status) || 0
  return status >= 400 && status < 500
}

/** Waits until the page is visible or the signal aborts. */
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
 * Follows a stream, and continues behind its last event when it was cut. A browser opens six connections to a server, for all
 * of its tabs together: a hidden page holds none, and a visible one few.
 */
export function useStream<Name extends StreamName>(
  name: Name,
  request: OperationRequest<Name>,
  options: Following<Name>,
): Connection {
  const { client, slots } = useContext(AskerContext)
  const streamer = client as Streamer<Name>
  const [connection, setConnection] = useState<Connection>('connecting')
  const latest = useRef({ request, options })
  latest.current = { request, options }
  const key = JSON.stringify(request)
  const enabled = options.enabled ?? true
  // biome-ignore lint/correctness/useExhaustiveDependencies: another request is another stream
  useEffect(() => {
    if (!enabled) return
    const stop = new AbortController()
    const follow = async () => {
      let lastEventId: string | undefined
      for (let failures = 0; !stop.signal.aborted; ) {
        const release = name === 'updates.follow' ? undefined : await slots.take()
        await seen(stop.signal)
        if (stop.signal.aborted) return release?.()
        let pause = pauses[Math.min(failures++, pauses.length - 1)]
        const unseen = new AbortController()
        const abortIfHidden = () => document.hidden && unseen.abort()
        document.addEventListener('visibilitychange', abortIfHidden)
        try {
          const events = streamer.stream(name, {
            ...latest.current.request,
            signal: AbortSignal.any([stop.signal, unseen.signal]),
            onOpen: () => setConnection('open'),
            ...(lastEventId === undefined ? {} : { lastEventId }),
          })
          for await (const event of events) {
            failures = 0
            lastEventId = event.id ?? lastEventId
            setConnection('open')
            latest.current.options.onEvent(event)
          }
          if (!unseen.signal.aborted && latest.current.options.isOver?.()) return setConnection('ended')
        } catch (error) {
          if (stop.signal.aborted) return
          if (isForLater(error)) pause = longPause
          else if (isRejected(error)) return setConnection('ended')
        } finally {
          document.removeEventListener('visibilitychange', abortIfHidden)
          release?.()
        }
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
  }, [streamer, slots, name, key, enabled])
  return connection
}
