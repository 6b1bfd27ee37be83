/** The official package, loaded where a server is. */
export type ServerSdk = typeof import('@modelcontextprotocol/server')

export const loadServerSdk = (): Promise<ServerSdk> => import('@modelcontextprotocol/server')
