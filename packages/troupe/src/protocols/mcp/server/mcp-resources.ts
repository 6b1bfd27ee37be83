/** Entries of the context and results of runs, as resources. */
import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server'
import { NotFoundError } from '../../../core/index.ts'
import { type McpCaller, recordRejection } from './mcp-identity.ts'
import { textInTime } from './mcp-results.ts'
import { shownRun, visibleRun } from './run-tools.ts'
import type { ServerSdk } from './server-sdk.ts'

const pageSize = 100
const contextScheme = 'troupe://context/'
const runScheme = 'troupe://runs/'

export const uriOfEntry = (key: string): string => contextScheme + encodeURIComponent(key)

export const resourceTemplates = [
  {
    uriTemplate: `${contextScheme}{key}`,
    name: 'entry',
    description: 'An entry of the shared context, by its key.',
    mimeType: 'application/json',
  },
  {
    uriTemplate: `${runScheme}{run}`,
    name: 'run',
    description: 'The status of a run, and its result.',
    mimeType: 'application/json',
  },
]

export const mayReadContext = ({ identity: { access, may } }: McpCaller): boolean =>
  may('context.read', 'readonly') && access.can('get_context')

export async function listResources(caller: McpCaller, cursor: string | undefined): Promise<ListResourcesResult> {
  if (!mayReadContext(caller)) return { resources: [] }
  const page = await caller.context.keys({ limit: pageSize, ...(cursor === undefined ? {} : { cursor }) })
  return {
    resources: page.items.map((key) => ({ uri: uriOfEntry(key), name: key, mimeType: 'application/json' })),
    ...(page.cursor === undefined ? {} : { nextCursor: page.cursor }),
  }
}

/** Reads a resource. One that may not be read is reported as missing. */
export async function readResource(sdk: ServerSdk, caller: McpCaller, uri: string): Promise<ReadResourceResult> {
  const found = await contentOf(caller, uri)
  if (found === undefined) throw new sdk.ResourceNotFoundError(uri)
  const text = await textInTime(caller, found, uri)
  return { contents: [{ uri, mimeType: 'application/json', text }] }
}

function nameIn(uri: string, scheme: string): string | undefined {
  if (!uri.startsWith(scheme)) return undefined
  try {
    return decodeURIComponent(uri.slice(scheme.length))
  } catch {
    return undefined
  }
}

async function contentOf(caller: McpCaller, uri: string): Promise<unknown> {
  const key = nameIn(uri, contextScheme)
  if (key !== undefined)
    return mayReadContext(caller) ? caller.context.get(key) : recordRejection(caller, 'context.read')
  const id = nameIn(uri, runScheme)
  if (id === undefined) return undefined
  if (!caller.identity.may('runs.read', 'readonly')) return recordRejection(caller, 'runs.read')
  const found = await visibleRun(caller, id).catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined
    throw error
  })
  if (!found) return undefined
  const { run, isShown } = found
  const { status } = await run.status()
  return status === 'running' || !isShown ? { run: id, status } : shownRun(caller, id, await run.result())
}
