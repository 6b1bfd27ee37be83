/** The Model Context Protocol: a troupe as a server of it, and the tools of others' servers for agents. */
export { defineMcpTools, type McpToolsOptions } from './client/define-mcp-tools.ts'
export { approveMcpTools, type McpTools, mcpTools } from './client/mcp-tools.ts'
export type { McpHttpServer, McpProgram, McpServerConfig } from './client/server-config.ts'
export type { McpIdentity } from './server/identity.ts'
export { createMcpEndpoint, type McpEndpoint } from './server/mcp-endpoint.ts'
export { type ServedMcp, type ServeMcpOptions, serveMcp } from './server/serve-mcp.ts'
