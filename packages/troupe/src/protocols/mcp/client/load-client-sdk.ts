/** The official MCP package, loaded when a client is created. */
import { loadOptional } from '../../../core/index.ts'

export const loadClientSdk = (): Promise<typeof import('@modelcontextprotocol/client')> =>
  loadOptional('A server of MCP tools', '@modelcontextprotocol/client', () => import('@modelcontextprotocol/client'))
