/** Troupe over HTTP: REST and server-sent events, described by OpenAPI. */
export type { MetricsOptions } from './metrics-options.ts'
export type { PluginOptions, ServerOptions } from './options.ts'
export { type TroupePluginOptions, troupePlugin } from './plugin.ts'
export { type Served, serve } from './serve.ts'
export { type ServedMetrics, serveMetrics } from './serve-metrics.ts'
export type { JwtOptions } from './tokens.ts'
