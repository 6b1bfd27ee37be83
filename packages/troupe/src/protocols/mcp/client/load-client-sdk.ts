/** The official package, loaded where a client is. */
import { loadOptional } from '../../../core/index.ts'

export const loadClientSdk = (): Promise<typeof import('@modelcontextprotocol/client')> =>
  loadOptional('A server of MCP tools', '@modelcontextprotocol/client', () => import('@modelcontextprotocol/client'))
