/** Where a server of MCP is: an address, or a program that is started without a shell. */
import { checkOptions, failure, readable } from '../../../core/index.ts'
import type { SecretText } from '../../../security/index.ts'

export interface McpHttpServer {
  /** `https://…`; plain HTTP only to this machine. */
  readonly url: string
  readonly headers?: Readonly<Record<string, SecretText>>
}
export interface McpProgram {
  /** Started as it is: no shell reads it. */
  readonly command: string
  readonly args?: readonly string[]
  /** Besides a few harmless variables (`PATH`, `HOME`, …) the only ones that the program is given. */
  readonly env?: Readonly<Record<string, SecretText>>
  readonly cwd?: string
}
export type McpServerConfig = McpHttpServer | McpProgram

const wrong = (problem: string) => failure('validation.failed', { what: 'The server of defineMcpTools', problem })

const isHttpServer = (server: McpServerConfig): server is McpHttpServer =>
  typeof server === 'object' && server !== null && readable('defineMcpTools.server', () => 'url' in server)

export function checkServer(server: McpServerConfig): McpServerConfig {
  if (isHttpServer(server)) {
    checkOptions('defineMcpTools.server', server, ['url', 'headers'])
    if (typeof server.url !== 'string' || !URL.canParse(server.url)) throw wrong('its url is none')
    const { protocol, hostname } = new URL(server.url)
    const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
    if (protocol !== 'https:' && !(protocol === 'http:' && isLocal))
      throw wrong('its url is not https, which is for this machine alone')
    return server
  }
  checkOptions('defineMcpTools.server', server, ['command', 'args', 'env', 'cwd'])
  const { command, args = [] } = server
  if (typeof command !== 'string' || command === '') throw wrong('it has neither url nor command')
  if (!Array.isArray(args) || !args.every((one) => typeof one === 'string'))
    throw wrong('its args are not a list of texts')
  return server
}
