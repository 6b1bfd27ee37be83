/** The Model Context Protocol: a troupe as a server of it, and the tools of others' servers for agents. */

export type {
  ToolChange,
  ToolForm,
} from '../../security/index.ts'
export { defineMcpTools, type McpToolEffect, type McpToolsOptions } from './client/define-mcp-tools.ts'
export type { McpHttpServer, McpProgram, McpServerConfig } from './client/mcp-server-config.ts'
export { approveMcpTools, type McpTools, mcpTools } from './client/mcp-tools.ts'
export { createMcpEndpoint, type McpEndpoint } from './server/mcp-endpoint.ts'
export type { McpIdentity } from './server/mcp-identity.ts'
export { type ServedMcp, type ServeMcpOptions, serveMcp } from './server/serve-mcp.ts'
