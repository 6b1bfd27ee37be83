/** Clients and servers of other systems' protocols, a folder and a public subpath each. */
export * from './mcp/index.ts'
