/** Troupe over HTTP: REST and server-sent events, described by OpenAPI. */

export type { OidcOptions } from './access/oidc.ts'
export type { JwtOptions } from './access/tokens.ts'
export { createFetch } from './create-fetch.ts'
export { type MetricsOptions, type ServedMetrics, serveMetrics } from './metrics/serve-metrics.ts'
export { type TroupePluginOptions, troupePlugin } from './plugin.ts'
export { type Served, serve } from './serve.ts'
export type { PluginOptions, ServerOptions } from './server-options.ts'
