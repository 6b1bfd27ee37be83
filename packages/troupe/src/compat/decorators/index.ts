/** `troupe/compat/decorators`: workers with `@on(Type)` and `@onConnect(pattern)`, as Ceylon's are written. */
export { on, onBatch, onConnect, onDisconnect } from './on.ts'
