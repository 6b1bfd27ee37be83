/** The official package, loaded where a server is. */
import { loadOptional } from '../../../core/index.ts'

export type ServerSdk = typeof import('@modelcontextprotocol/server')

export const loadServerSdk = (): Promise<ServerSdk> =>
  loadOptional('The MCP server', '@modelcontextprotocol/server', () => import('@modelcontextprotocol/server'))
