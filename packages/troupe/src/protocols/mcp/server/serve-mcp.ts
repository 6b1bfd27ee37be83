/** MCP over standard input and output: for a program that starts this one and speaks for one agent of one user. */
import { checkName, checkOptions } from '../../../core/index.ts'
import { Access, type AccessOptions, checkGrants, coversRole } from '../../../security/index.ts'
import { partsIn, type Troupe } from '../../../startup/index.ts'
import { createServer } from './create-server.ts'
import { mcpCallerOf } from './mcp-identity.ts'
import { loadServerSdk } from './server-sdk.ts'
import { watchResources } from './watch-resources.ts'

/** The options of `serveMcp`: the identity of the client and its rights. */
export interface ServeMcpOptions extends AccessOptions {
  /** The id of the user whose data the client uses. */
  readonly user: string
  /** The name of the agent as which the client acts. */
  readonly agent: string
}

/** A running MCP server. `await using` closes it at the end of the block. */
export interface ServedMcp extends AsyncDisposable {
  /** Ends the connection. The troupe stays open. */
  close(): Promise<void>
}

/**
 * Serves one MCP client on the standard input and output of this process, until its input ends. Nothing else may write
 * to the standard output meanwhile.
 * @throws ValidationError for an invalid option
 * @example await serveMcp(troupe, { user: 'ada', agent: 'Desk', role: 'contributor' })
 */
export async function serveMcp(troupe: Troupe, options: ServeMcpOptions): Promise<ServedMcp> {
  checkOptions('serveMcp', options, ['user', 'agent', 'role', 'allow', 'deny'])
  const { user, agent, ...rights } = options
  const parts = partsIn(troupe)
  const { roles, callers } = parts.security
  const { log } = parts.observability
  const access = new Access(rights, roles)
  checkGrants(rights)
  const identity = {
    user: troupe.user(user).id,
    agent: checkName('agent', agent),
    access,
    may: (_: unknown, least: Parameters<typeof coversRole>[2]) => coversRole(roles, access.role, least),
  }
  const caller = mcpCallerOf(troupe, parts, identity)
  const [sdk, { serveStdio }] = await Promise.all([loadServerSdk(), import('@modelcontextprotocol/server/stdio')])
  const served = serveStdio(
    ({ era }) => {
      const subscribed = new Set<string>()
      const server = createServer(sdk, caller, {
        era,
        subscribed,
        within: (call) => callers.within({ kind: 'local', id: 'stdio', taint: [] }, call),
      })
      const wants = (uri: string) => era === 'modern' || subscribed.has(uri)
      const stop = watchResources(caller, (event) => {
        const sent =
          event.kind === 'resource_updated'
            ? wants(event.uri) && server.sendResourceUpdated({ uri: event.uri })
            : server.sendResourceListChanged()
        // Sending fails before the initialization and after the end of the connection.
        if (sent)
          sent.catch((error: unknown) =>
            log.debug('an MCP client was not notified of a change', { error: error as Error }),
          )
      })
      server.onclose = stop
      return server
    },
    { onerror: (error) => log.debug('an MCP message was rejected', { error }) },
  )
  const close = () => served.close()
  return { close, [Symbol.asyncDispose]: close }
}
