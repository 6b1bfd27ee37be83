/** The official MCP package, loaded when a server is created. */
import { loadOptional } from '../../../core/index.ts'

export type ServerSdk = typeof import('@modelcontextprotocol/server')

export const loadServerSdk = (): Promise<ServerSdk> =>
  loadOptional('The MCP server', '@modelcontextprotocol/server', () => import('@modelcontextprotocol/server'))
