/** Outgoing HTTP under the egress rules. */
import type { Agent } from 'undici'
import {
  type Clock,
  checkOptions,
  checkSignalType,
  checkText,
  type Duration,
  duration,
  failure,
  invalidInput,
  isFilledText,
  isListOf,
  isObject,
  isPlainObject,
  milliseconds,
  readable,
  TroupeError,
  truncateText,
  whenAborted,
} from '../../core/index.ts'
import { boundedResponse } from './bounded-response.ts'
import { createEgressRules, type EgressRules } from './egress-rules.ts'
import { createGuardedAgent, type Lookup, lookupAll } from './guarded-agent.ts'
import { isRedirect, type OutgoingRequest, redirected } from './redirects.ts'

/** The option `egress` of `createTroupe`: the rules for outgoing requests. */
export interface EgressOptions {
  /**
   * The allowed hosts: `api.example.com`, `*.example.org:443`, `10.1.2.3:8080`; without a port, that of http or https.
   * Without a list, every public host is allowed, except in production.
   */
  readonly allow?: readonly string[]
  /** Addresses and blocks (`10.0.0.0/8`) that are allowed though they are not public; none by default. */
  readonly privateAddresses?: readonly string[]
  /** The allowed HTTP methods; all by default. */
  readonly methods?: readonly string[]
  /** The maximal size of an answer in bytes; 10,000,000 by default. */
  readonly maxBytes?: number
  /** The time for one request with its redirects and its answer; 30 s by default. */
  readonly timeout?: Duration
  /** The maximal number of redirects of a request; 5 by default. */
  readonly maxRedirects?: number
  /** The maximal number of connections to one host, each with one request; 20 by default. Further requests wait. */
  readonly connections?: number
  /** How long an unused connection is kept open; 60 s by default, less if the host says so. */
  readonly keepAlive?: Duration
}

/** The services of an egress. */
export interface EgressParts {
  /** The clock of timeouts. */
  readonly clock: Clock
  /** Resolves a host name to addresses; the system's by default. */
  readonly lookup?: Lookup
  /** Called with the error of each refused request. */
  readonly rejected?: (error: TroupeError) => void
}

/** A `fetch` that follows the egress rules. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/**
 * Outgoing HTTP under rules: hosts are checked by a list, addresses when the connection is made, and each redirect
 * again; answers are bounded in size and time.
 */
export interface Egress {
  /**
   * Makes a request, as the global `fetch` does.
   * @throws AccessDeniedError `egress.denied`; ProcessingError `egress.too_large`; TimeoutError; TypeError if the
   * network failed
   */
  readonly fetch: Fetch
  /** Returns a `fetch` with the same rules that reports refusals to another function. */
  for(rejected: (error: TroupeError) => void): Fetch
  /** Closes the connections. */
  close(): Promise<void>
}

const known = [
  ...['allow', 'privateAddresses', 'methods', 'maxBytes', 'timeout', 'maxRedirects', 'connections', 'keepAlive'],
] as const

interface Limits {
  readonly rules: EgressRules
  readonly methods: readonly string[] | undefined
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly maxRedirects: number
  readonly connections: number
  readonly keepAliveMs: number
}

/** @throws ValidationError naming the option */
function readOptions(options: EgressOptions): Limits {
  checkOptions('egress', options, known)
  const { allow, privateAddresses, methods, maxBytes = 10_000_000, timeout = '30s', maxRedirects = 5 } = options
  const { connections = 20, keepAlive = '60s' } = options
  const wrong = (what: string, problem: string) => invalidInput(`egress.${what}`, problem)
  for (const [what, list] of Object.entries({ allow, privateAddresses, methods }))
    if (list !== undefined && !Array.isArray(list)) throw wrong(what, 'it is not a list')
  if (methods !== undefined && !isListOf(methods, isFilledText)) throw wrong('methods', 'it must be a list of texts')
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= 1)) throw wrong('maxBytes', 'it must be a whole number from 1')
  if (!(Number.isSafeInteger(maxRedirects) && maxRedirects >= 0))
    throw wrong('maxRedirects', 'it must be a whole number from 0')
  if (!(Number.isSafeInteger(connections) && connections >= 1))
    throw wrong('connections', 'it must be a whole number from 1')
  const keepAliveMs = milliseconds(keepAlive, 'egress.keepAlive', '1ms')
  return {
    rules: createEgressRules(allow, privateAddresses),
    methods: methods?.map((method) => method.toUpperCase()),
    maxBytes,
    timeoutMs: milliseconds(timeout, 'egress.timeout', '1ms'),
    maxRedirects,
    connections,
    keepAliveMs,
  }
}

/** @throws ValidationError naming the option */
export const checkEgress = (options: EgressOptions): void => void readOptions(options)

/**
 * @throws ValidationError naming the option
 * @example const { fetch } = createEgress({ allow: ['api.example.com', '*.example.org:443'] }, { clock })
 */
export function openEgress(options: EgressOptions, parts: EgressParts): Egress {
  const limits = readOptions(options)
  const { clock, lookup = lookupAll, rejected } = parts
  let agent: Promise<Agent> | undefined
  const opened = () => {
    agent ??= createGuardedAgent({ ...limits, lookup })
    return agent
  }
  const fetchFor =
    (report: ((error: TroupeError) => void) | undefined): Fetch =>
    async (input, init) => {
      try {
        return await send(limits, clock, opened, input, init)
      } catch (thrown) {
        const error = ownError(thrown)
        if (error instanceof TroupeError && error.status === 403) report?.(error)
        throw error
      }
    }
  return {
    fetch: fetchFor(rejected),
    for: fetchFor,
    async close() {
      const open = await agent
      agent = undefined
      await open?.destroy()
    },
  }
}

/** Returns the error of a refusal, which the client may have wrapped. */
function ownError(thrown: unknown): unknown {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof TroupeError && !(thrown instanceof TroupeError) ? cause : thrown
}

async function send(
  limits: Limits,
  clock: Clock,
  opened: () => Promise<Agent>,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const { maxBytes, maxRedirects } = limits
  if (!isObject(init as unknown)) throw invalidInput('The options of fetch', 'they must be an object')
  // A Request has its fields in its class, so a copy would lose them.
  const own: RequestInit = isPlainObject(init) ? readable('The options of fetch', () => ({ ...init })) : init
  let request = await readRequest(input, own)
  const { redirect, signal } = own
  const mode = redirect ?? (input instanceof Request ? input.redirect : 'follow')
  const end = deadline(limits, clock, request.url.host, signal ?? (input instanceof Request ? input.signal : null))
  try {
    const [{ fetch: undiciFetch }, dispatcher] = await Promise.all([import('undici'), opened()])
    for (let hops = 0; ; hops++) {
      check(limits, request)
      const { url, method, headers, body } = request
      const response = (await undiciFetch(url, {
        ...{ method, headers: [...headers], redirect: 'manual', signal: end.signal, dispatcher },
        ...(body === null ? {} : { body: body as never, duplex: 'half' as const }),
      })) as Response
      const next = isRedirect(response.status) && mode !== 'manual' ? redirected(request, response) : undefined
      if (!next) return boundedResponse(response, { url: url.href, maxBytes, redirected: hops > 0, ended: end.clear })
      await response.body?.cancel()
      const problem = mode === 'error' ? 'it redirects' : 'it redirects too often'
      if (mode === 'error' || hops >= maxRedirects) throw failure('egress.denied', { host: url.host, problem })
      request = next
    }
  } catch (error) {
    end.clear()
    throw error
  }
}

function check({ rules, methods }: Limits, { url, method }: OutgoingRequest): void {
  if (methods && !methods.includes(method))
    throw failure('egress.denied', { host: url.host, problem: `${method} is not among its methods` })
  rules.checkUrl(url)
}

/** @throws ValidationError for a value that `Request`, `Headers` or `Response` of the platform rejects */
async function readRequest(input: string | URL | Request, init: RequestInit): Promise<OutgoingRequest> {
  try {
    checkSignalType('fetch', init.signal ?? undefined)
    if (init.method !== undefined) checkText('The method of fetch', init.method)
    return await outgoing(input, init)
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause
    const problem = 'fetch does not accept the method, the headers or the body; the cause says which'
    throw failure('validation.failed', { what: 'The request', problem }, { cause })
  }
}

async function outgoing(input: string | URL | Request, init: RequestInit): Promise<OutgoingRequest> {
  const from = input instanceof Request ? input : undefined
  const text = from ? from.url : input instanceof URL ? input.href : checkText('fetch', input)
  const url = URL.parse(text)
  if (!url) throw failure('egress.denied', { host: truncateText(text, 100), problem: 'it is not a URL' })
  url.hash = ''
  const method = (init.method ?? from?.method ?? 'GET').toUpperCase()
  const headers = new Headers(init.headers ?? from?.headers)
  const bodyInit = init.body ?? (from?.body ? await from.arrayBuffer() : null)
  if (bodyInit === null) return { url, method, headers, body: null }
  // The media type of a form or a blob is part of its encoding.
  const encoded = new Response(bodyInit)
  const type = encoded.headers.get('content-type')
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  const body = bodyInit instanceof ReadableStream ? bodyInit : new Uint8Array(await encoded.arrayBuffer())
  return { url, method, headers, body }
}

/** Aborts with the caller's signal or after the timeout, whichever is first. */
function deadline({ timeoutMs }: Limits, clock: Clock, host: string, signal: AbortSignal | null) {
  const controller = new AbortController()
  const late = () =>
    controller.abort(failure('timeout', { what: `The request to ${host}`, kind: 'egress', limit: duration(timeoutMs) }))
  const cancel = clock.after(timeoutMs, late, { background: true })
  const stopWatching = whenAborted(signal ?? undefined, () => controller.abort(signal?.reason))
  const clear = () => {
    cancel()
    stopWatching()
  }
  return { signal: controller.signal, clear }
}
