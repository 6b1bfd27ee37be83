/** How to reach an MCP server: its address, or a program that is started without a shell. */
import { checkOptions, invalidInput, isListOf, isText, readable } from '../../../core/index.ts'
import type { SecretText } from '../../../security/index.ts'

/** An MCP server at an address. */
export interface McpHttpServer {
  /** The URL: `https://…`, or `http://` for this machine only. */
  readonly url: string
  /** Headers of each request; none by default. */
  readonly headers?: Readonly<Record<string, SecretText>>
}
/** An MCP server that is started as a program. */
export interface McpProgram {
  /** The program, which is started without a shell. */
  readonly command: string
  /** The arguments; none by default. */
  readonly args?: readonly string[]
  /**
   * The environment variables of the program, besides a few harmless ones such as `PATH` and `HOME`. No other variables
   * are passed on.
   */
  readonly env?: Readonly<Record<string, SecretText>>
  /** The working directory of the program; that of this process by default. */
  readonly cwd?: string
}
/** An MCP server: an address, or a program. */
export type McpServerConfig = McpHttpServer | McpProgram

const wrong = (problem: string) => invalidInput('The server of defineMcpTools', problem)

const isHttpServer = (server: McpServerConfig): server is McpHttpServer =>
  typeof server === 'object' && server !== null && readable('defineMcpTools.server', () => 'url' in server)

export function checkServer(server: McpServerConfig): McpServerConfig {
  if (isHttpServer(server)) {
    checkOptions('defineMcpTools.server', server, ['url', 'headers'])
    if (typeof server.url !== 'string' || !URL.canParse(server.url)) throw wrong('its url must be a URL')
    const { protocol, hostname } = new URL(server.url)
    const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
    if (protocol !== 'https:' && !(protocol === 'http:' && isLocal))
      throw wrong('its url must be https; http is accepted for this machine only')
    return server
  }
  checkOptions('defineMcpTools.server', server, ['command', 'args', 'env', 'cwd'])
  const { command, args = [] } = server
  if (typeof command !== 'string' || command === '') throw wrong('it has neither url nor command')
  if (!isListOf(args, isText)) throw wrong('its args are not a list of texts')
  return server
}
