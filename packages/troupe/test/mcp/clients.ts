/** Clients of the official package against servers of ours. */
import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

export const modern = { versionNegotiation: { mode: { pin: '2026-07-28' } } } satisfies ClientOptions

export const newClient = (options: ClientOptions = modern): Client =>
  new Client({ name: 'test', version: '1' }, options)

export async function connectTo(
  url: string,
  key: string | undefined,
  { headers = {}, ...options }: ClientOptions & { readonly headers?: Readonly<Record<string, string>> } = modern,
): Promise<Client> {
  const client = newClient(options)
  const bearer = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), {
    requestInit: { headers: { ...bearer, ...headers } },
  })
  await client.connect(transport)
  return client
}

// What a test expects of it says what it is.
// biome-ignore lint/suspicious/noExplicitAny: any JSON
export const structured = (result: object): any =>
  (result as { readonly structuredContent?: unknown }).structuredContent
export const textOf = (result: object): string => {
  const [first] = (result as { readonly content: readonly { readonly text?: string }[] }).content
  return first?.text ?? ''
}

/** Waits until it holds; fails after 30 s, saying what it was. */
export async function until<T>(what: string, check: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (let attempts = 0; attempts < 1_500; attempts++) {
    const found = await check()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not within 30 s: ${what}`)
}
